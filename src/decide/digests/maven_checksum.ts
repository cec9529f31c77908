import { type Digest, hexDigest } from "./digest.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";

/** The file has a digest and at most the names of a file or two. */
const MAX_TEXT_UNITS = 4096;

const NAME = /^(.+)\.(sha512|sha256|sha1|md5)$/;

/** A checksum file beside the one that it is of: `X.sha1` and its kin. */
export class MavenChecksum implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  #text = "";

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
  }

  push(text: string): void {
    if (this.#text.length <= MAX_TEXT_UNITS) this.#text += text;
  }

  end(): void {
    const [, key, algorithm] = NAME.exec(this.#place.key) ?? [];
    if (key === undefined || algorithm === undefined || this.#text.length > MAX_TEXT_UNITS) return;
    const digest = firstDigest(algorithm, this.#text);
    if (digest !== null) this.#tell({ key, digest, size: null, alias: null });
  }
}

/** Tools write the digest alone, before the file's name or behind it. */
function firstDigest(algorithm: string, text: string): Digest | null {
  for (const [word] of text.matchAll(/[0-9a-f]{32,}/gi)) {
    const digest = hexDigest(algorithm, word);
    if (digest !== null) return digest;
  }
  return null;
}
