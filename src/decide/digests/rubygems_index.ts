import { hexDigest } from "./digest.ts";
import { folderBefore, keyBelow } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { TextLines } from "./text_lines.ts";

/** Version, dependencies, and behind a bar the requirements, `checksum:` among them. */
const LINE = /^(\S+) .*\|(?:.*,)?checksum:([0-9a-f]{64})(?:,|$)/;

/** What RubyGems' compact index has under `info/NAME`: a line for each version. */
export class RubygemsIndex implements ListParser {
  readonly #root: string | null;
  readonly #gem: string;
  readonly #tell: Tell;
  readonly #lines = new TextLines((line) => this.#line(line));

  constructor({ key }: ListPlace, tell: Tell) {
    this.#root = folderBefore(key, "info");
    this.#gem = key.slice(key.lastIndexOf("/") + 1);
    this.#tell = tell;
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
  }

  #line(line: string): void {
    const [, version, value] = LINE.exec(line) ?? [];
    if (version === undefined || value === undefined || this.#root === null) return;
    const key = keyBelow(`${this.#root}gems/`, `${this.#gem}-${version}.gem`);
    const digest = hexDigest("sha256", value);
    if (key !== null && digest !== null) this.#tell({ key, digest, size: null, alias: null });
  }
}
