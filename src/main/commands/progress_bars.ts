import { plain, type Terminal } from "./terminal.ts";

/** Bars that are shown at once. */
const MAX_BARS = 8;

/** Columns of a bar itself. */
const BAR_COLUMNS = 20;

/** Something that goes on. */
export interface Bar {
  readonly label: string;
  /** From 0 to 1; null: nobody knows. */
  readonly share: number | null;
  /** What stands behind the bar. */
  readonly note: string;
}

/**
 * Bars at the foot of a terminal, with lines that stay above them. A library for this would bring
 * its own timers and escape codes for no more than this.
 */
export class ProgressBars {
  readonly #terminal: Terminal;
  #shown = 0;

  /** @param terminal An interactive one. */
  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /**
   * Draws the bars anew.
   *
   * @param lines Go above them, to stay.
   * @param foot The last line.
   */
  draw(lines: readonly string[], bars: readonly Bar[], foot: string): void {
    const left = bars.length - MAX_BARS;
    const below = [
      ...bars.slice(0, MAX_BARS).map((bar) => this.#lineOf(bar)),
      ...left > 0 ? [`and ${left} more`] : [],
      ...foot === "" ? [] : [foot],
    ];
    const all = [...lines, ...below.map((line) => this.#cut(line))].map((line) => `${line}\n`);
    // Up to the first bar, then what is below is erased: all in one write, so that nothing flickers.
    const up = this.#shown === 0 ? "" : `\x1b[${this.#shown}A\r\x1b[J`;
    this.#terminal.write(up + all.join(""));
    this.#shown = below.length;
  }

  /** Takes the bars away. */
  clear(): void {
    this.draw([], [], "");
  }

  #lineOf({ label, share, note }: Bar): string {
    const full = Math.round((share ?? 0) * BAR_COLUMNS);
    const bar = share === null
      ? "·".repeat(BAR_COLUMNS)
      : "█".repeat(full).padEnd(BAR_COLUMNS, "░");
    const room = Math.max(12, this.#terminal.columns - BAR_COLUMNS - note.length - 5);
    return `${bar}  ${shortened(plain(label), room)}  ${note}`;
  }

  /** A line that wraps would take two, and the next drawing would begin one too low. */
  #cut(line: string): string {
    return line.slice(0, Math.max(1, this.#terminal.columns - 1));
  }
}

/** The end of a path says more than its beginning. */
function shortened(text: string, room: number): string {
  return text.length <= room ? text.padEnd(room) : `…${text.slice(text.length - room + 1)}`;
}
