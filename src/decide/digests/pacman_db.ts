import { hexDigest, strongest } from "./digest.ts";
import { folderOf, keyBelow } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";

/** Of a tar: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html */
const BLOCK = 512;

/** The description of a package has some kilobytes; what is longer is skipped. */
const MAX_FILE_UNITS = 1024 * 1024;

/**
 * A database of pacman: a tar with a file `desc` for each package. The text has one character for
 * each byte (ISO 8859-1).
 */
export class PacmanDb implements ListParser {
  readonly #folder: string;
  readonly #tell: Tell;
  #rest = "";
  /** Units of a file's content that are to be skipped. */
  #skip = 0;

  constructor({ key }: ListPlace, tell: Tell) {
    this.#folder = folderOf(key);
    this.#tell = tell;
  }

  push(text: string): void {
    let data = this.#rest + text;
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skip, data.length - at);
      at += skipped;
      this.#skip -= skipped;
      if (this.#skip > 0 || data.length - at < BLOCK) break;
      const size = parseInt(data.slice(at + 124, at + 136), 8) || 0;
      const padded = Math.ceil(size / BLOCK) * BLOCK;
      const name = data.slice(at, at + 100).replace(/\0.*$/s, "");
      if (!name.endsWith("/desc") || size > MAX_FILE_UNITS) {
        at += BLOCK;
        this.#skip = padded;
        continue;
      }
      if (data.length - at < BLOCK + padded) break;
      this.#description(data.slice(at + BLOCK, at + BLOCK + size));
      at += BLOCK + padded;
    }
    data = data.slice(at);
    this.#rest = data;
  }

  end(): void {
    this.#rest = "";
  }

  #description(text: string): void {
    const valueOf = (field: string): string => {
      const at = text.indexOf(`%${field}%\n`);
      return at === -1 ? "" : text.slice(at + field.length + 3).split("\n", 1)[0] ?? "";
    };
    const name = valueOf("FILENAME");
    const size = valueOf("CSIZE");
    const digest = strongest([
      hexDigest("sha256", valueOf("SHA256SUM")),
      hexDigest("md5", valueOf("MD5SUM")),
    ]);
    const key = name === "" ? null : keyBelow(this.#folder, name);
    const bytes = /^\d{1,15}$/.test(size) ? Number(size) : null;
    if (key !== null && digest !== null) this.#tell({ key, digest, size: bytes, alias: null });
  }
}
