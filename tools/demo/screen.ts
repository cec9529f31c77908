const UP = (lines: number): string => lines === 0 ? "" : `\x1b[${lines}A`;
const CLEAR_TO_END_OF_LINE = "\x1b[K";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Narrower terminals would break the lines, and what is drawn anew would not cover what was. */
const MIN_COLUMNS = 80;

/** Shows lines that change. Where they cannot be drawn anew, only their last state is written. */
export class Screen implements Disposable {
  readonly isLive: boolean;
  readonly #encoder = new TextEncoder();
  #drawn = 0;

  constructor() {
    this.isLive = Deno.stdout.isTerminal() && Deno.consoleSize().columns >= MIN_COLUMNS;
    if (this.isLive) this.#write(HIDE_CURSOR);
  }

  /** Shows lines in place of those that were drawn last. */
  draw(lines: readonly string[]): void {
    if (!this.isLive) return;
    const text = lines.map((line) => line + CLEAR_TO_END_OF_LINE + "\n").join("");
    this.#write(UP(this.#drawn) + text);
    this.#drawn = lines.length;
  }

  /** Shows lines for good, in place of those that were drawn last. */
  print(lines: readonly string[]): void {
    if (this.isLive) this.draw(lines);
    else this.#write(lines.join("\n") + "\n");
    this.#drawn = 0;
  }

  [Symbol.dispose](): void {
    if (this.isLive) this.#write(SHOW_CURSOR);
  }

  #write(text: string): void {
    let bytes = this.#encoder.encode(text);
    while (bytes.byteLength > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
  }
}
