import { type Digest, hexDigest } from "./digest.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { nixBase32ToHex } from "./nix_base32.ts";
import { TextLines } from "./text_lines.ts";

/** What a binary cache of nix says of one archive: `FileHash` is of the file as it is sent. */
export class Narinfo implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  readonly #lines = new TextLines((line) => this.#line(line));
  readonly #fields = new Map<string, string>();

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
    const url = this.#fields.get("URL");
    const digest = nixDigest(this.#fields.get("FileHash") ?? "");
    const size = this.#fields.get("FileSize") ?? "";
    if (url === undefined || digest === null) return;
    const key = this.#place.keyOfLink(url);
    const bytes = /^\d{1,15}$/.test(size) ? Number(size) : null;
    if (key !== null) this.#tell({ key, digest, size: bytes, alias: null });
  }

  #line(line: string): void {
    const [, name, value] = /^(URL|FileHash|FileSize):\s*(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) this.#fields.set(name, value);
  }
}

/** `sha256:` and the hash in hexadecimal or in nix's own base 32. */
function nixDigest(text: string): Digest | null {
  const [, algorithm = "", value = ""] = /^([a-z0-9]+):([0-9a-z]+)$/.exec(text) ?? [];
  const hex = nixBase32ToHex(value);
  return hexDigest(algorithm, value) ?? (hex === null ? null : hexDigest(algorithm, hex));
}
