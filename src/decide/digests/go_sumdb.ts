import { base64Digest } from "./digest.ts";
import { folderBefore, keyOfUrlPath } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { TextLines } from "./text_lines.ts";

/** Module, version, and what of it. */
const LINE = /^(\S+) (v[^\s/]+)(\/go\.mod)? h1:([A-Za-z0-9+/=]{44})$/;

/**
 * What a checksum database answers to `lookup`, or a tile of its records: lines of `go.sum`. The
 * files are beside `sumdb` in the module proxy.
 *
 * https://go.dev/ref/mod#checksum-database
 */
export class GoSumdb implements ListParser {
  readonly #root: string | null;
  readonly #tell: Tell;
  readonly #lines = new TextLines((line) => this.#line(line));

  constructor({ key }: ListPlace, tell: Tell) {
    this.#root = folderBefore(key, "sumdb");
    this.#tell = tell;
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
  }

  #line(line: string): void {
    const [, module, version, mod, value] = LINE.exec(line) ?? [];
    if (module === undefined || version === undefined || value === undefined) return;
    if (this.#root === null) return;
    const digest = base64Digest("h1", value);
    const file = `${escaped(module)}/@v/${escaped(version)}${mod === undefined ? ".zip" : ".mod"}`;
    const key = keyOfUrlPath(this.#root + file);
    if (key !== null && digest !== null) this.#tell({ key, digest, size: null, alias: null });
  }
}

/** Paths of modules do without capitals: https://go.dev/ref/mod#goproxy-protocol */
function escaped(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}
