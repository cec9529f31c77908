import { folderBefore, folderOf } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { TextLines } from "./text_lines.ts";

/**
 * A list of apt: paragraphs of fields. Its names are relative to the folder that has `dists`, or to
 * its own where it is in no such one.
 */
export abstract class AptList implements ListParser {
  protected readonly folder: string;
  protected readonly tell: Tell;
  readonly #lines = new TextLines((line) => line === "" ? this.endParagraph() : this.line(line));

  constructor({ key }: ListPlace, tell: Tell) {
    this.folder = folderBefore(key, "dists") ?? folderOf(key);
    this.tell = tell;
  }

  push(text: string): void {
    this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
    this.endParagraph();
  }

  /** One that is not empty. */
  protected abstract line(line: string): void;

  /** Tells of what the lines since the last end have named; there may be several ends in a row. */
  protected abstract endParagraph(): void;
}
