import { AptList } from "./apt_list.ts";
import { type Digest, hexDigest, strongest } from "./digest.ts";
import { keyBelow } from "./key_below.ts";

const FIELD = /^([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$/;

/** Digest, size in bytes, name. */
const LISTED = /^[ \t]+([0-9a-f]+)[ \t]+(\d{1,15})[ \t]+(\S+)[ \t]*$/i;

/** By the field that a list of files stands in. */
const ALGORITHM: Readonly<Record<string, string>> = {
  "files": "md5",
  "checksums-sha1": "sha1",
  "checksums-sha256": "sha256",
  "checksums-sha512": "sha512",
};

/**
 * A `Sources` of apt, which lists the files of each source package and the folder that has them.
 *
 * https://wiki.debian.org/DebianRepository/Format#A.22Sources.22_Indices
 */
export class AptSources extends AptList {
  readonly #files = new Map<string, { readonly digests: Digest[]; readonly size: number }>();
  #directory: string | null = null;
  #algorithm: string | null = null;

  protected line(line: string): void {
    if (!line.startsWith(" ") && !line.startsWith("\t")) {
      const [, name = "", value = ""] = FIELD.exec(line) ?? [];
      const field = name.toLowerCase();
      if (field === "directory") this.#directory = value;
      this.#algorithm = ALGORITHM[field] ?? null;
      return;
    }
    const [, value, size, name] = (this.#algorithm === null ? null : LISTED.exec(line)) ?? [];
    if (value === undefined || name === undefined || this.#algorithm === null) return;
    const digest = hexDigest(this.#algorithm, value);
    if (digest === null) return;
    const known = this.#files.get(name);
    if (known === undefined) this.#files.set(name, { digests: [digest], size: Number(size) });
    else known.digests.push(digest);
  }

  protected endParagraph(): void {
    const directory = this.#directory;
    for (const [name, { digests, size }] of this.#files) {
      const path = directory === null || directory === "." ? name : `${directory}/${name}`;
      const key = keyBelow(this.folder, path);
      const digest = strongest(digests);
      if (key !== null && digest !== null) this.tell({ key, digest, size, alias: null });
    }
    this.#files.clear();
    this.#directory = null;
    this.#algorithm = null;
  }
}
