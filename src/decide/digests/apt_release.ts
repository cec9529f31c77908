import { type Digest, hexDigest, strongest } from "./digest.ts";
import { folderOf, keyBelow } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { TextLines } from "./text_lines.ts";

/** Names of more files than this are left out: Debian's have some thousands. */
const MAX_FILES = 100_000;

const SECTION = /^(MD5Sum|SHA1|SHA256|SHA512):\s*$/i;

const ALGORITHM: Readonly<Record<string, string>> = {
  md5sum: "md5",
  sha1: "sha1",
  sha256: "sha256",
  sha512: "sha512",
};

/** Digest, size in bytes, name. */
const LISTED = /^ +([0-9a-f]+)[ \t]+(\d{1,15})[ \t]+(\S.*?)\s*$/i;

/** The folders of files by their hashes that apt asks in, by the algorithm. */
const BY_HASH: Readonly<Record<string, string>> = {
  md5: "MD5Sum",
  sha1: "SHA1",
  sha256: "SHA256",
  sha512: "SHA512",
};

interface Listed {
  readonly digests: Digest[];
  readonly size: number;
}

/**
 * A `Release` or an `InRelease` of apt. Its names are relative to its own folder; each file is also
 * to be had by its hash.
 *
 * https://wiki.debian.org/DebianRepository/Format#MD5Sum.2C_SHA1.2C_SHA256
 */
export class AptRelease implements ListParser {
  readonly #folder: string;
  readonly #tell: Tell;
  readonly #lines = new TextLines((line) => this.#line(line));
  readonly #files = new Map<string, Listed>();
  #algorithm: string | null = null;

  constructor({ key }: ListPlace, tell: Tell) {
    this.#folder = folderOf(key);
    this.#tell = tell;
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
    for (const [name, { digests, size }] of this.#files) {
      const key = keyBelow(this.#folder, name);
      const digest = strongest(digests);
      if (key === null || digest === null) continue;
      this.#tell({ key, digest, size, alias: null });
      for (const one of digests) {
        const folder = `${folderOf(key)}by-hash/${BY_HASH[one.algorithm]}/`;
        this.#tell({ key: folder + one.value, digest, size, alias: key });
      }
    }
    this.#files.clear();
  }

  #line(line: string): void {
    if (!line.startsWith(" ")) {
      this.#algorithm = ALGORITHM[SECTION.exec(line)?.[1]?.toLowerCase() ?? ""] ?? null;
      return;
    }
    const [, value, size, name] = (this.#algorithm === null ? null : LISTED.exec(line)) ?? [];
    if (value === undefined || name === undefined || this.#algorithm === null) return;
    const digest = hexDigest(this.#algorithm, value);
    if (digest === null) return;
    const known = this.#files.get(name);
    if (known !== undefined) known.digests.push(digest);
    else if (this.#files.size < MAX_FILES) {
      this.#files.set(name, { digests: [digest], size: Number(size) });
    }
  }
}
