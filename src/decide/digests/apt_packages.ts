import { AptList } from "./apt_list.ts";
import { type Digest, hexDigest, strongest } from "./digest.ts";
import { keyBelow } from "./key_below.ts";

/** The fields that count here, in lower case: names of fields may be in any. */
const FIELD = /^(filename|size|sha256|sha512|sha1|md5sum):[ \t]*(.*?)[ \t]*$/i;

/** Letters that such a field begins with: most lines are of others. */
const FIRST = new Set("FfSsMm");

/**
 * A `Packages` of apt.
 *
 * https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices
 */
export class AptPackages extends AptList {
  #digests: (Digest | null)[] = [];
  #name: string | null = null;
  #size: number | null = null;

  protected line(line: string): void {
    if (!FIRST.has(line[0] ?? "")) return;
    const [, name, value = ""] = FIELD.exec(line) ?? [];
    switch (name?.toLowerCase()) {
      case undefined:
        return;
      case "filename":
        this.#name = value;
        return;
      case "size":
        this.#size = /^\d{1,15}$/.test(value) ? Number(value) : null;
        return;
      case "md5sum":
        this.#digests.push(hexDigest("md5", value));
        return;
      default:
        this.#digests.push(hexDigest(name ?? "", value));
    }
  }

  protected endParagraph(): void {
    const key = this.#name === null ? null : keyBelow(this.folder, this.#name);
    const digest = strongest(this.#digests);
    const size = this.#size;
    if (this.#digests.length > 0) this.#digests = [];
    this.#name = null;
    this.#size = null;
    if (key !== null && digest !== null) this.tell({ key, digest, size, alias: null });
  }
}
