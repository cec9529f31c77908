/** A longer line is taken for nothing: those of real lists have less than a tenth of it. */
export const MAX_LINE_UNITS = 4 * 1024 * 1024;

/** Puts lines together from pieces of text. */
export class TextLines {
  readonly #onLine: (line: string) => void;
  #rest = "";
  /** Whether what comes up to the next line feed belongs to a line that is too long. */
  #skips = false;

  /** @param onLine Told of each line, without its line feed. */
  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    let from = 0;
    for (;;) {
      const at = text.indexOf("\n", from);
      if (at === -1) break;
      this.#line(this.#rest + text.slice(from, at));
      this.#rest = "";
      from = at + 1;
    }
    this.#rest += text.slice(from);
    if (this.#rest.length <= MAX_LINE_UNITS) return;
    this.#skips = true;
    this.#rest = "";
  }

  /** The last line may have no line feed. */
  end(): void {
    if (this.#rest !== "") this.#line(this.#rest);
    this.#rest = "";
  }

  #line(line: string): void {
    if (this.#skips) this.#skips = false;
    else this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}
