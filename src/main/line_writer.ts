/** Text held back to save system calls, in UTF-16 units; then it is written. */
const MAX_HELD_UNITS = 16 * 1024;

/** How long a line is held back at most, in milliseconds. */
const MAX_HOLD_MS = 100;

/** Hands on whole lines, several at a time. What is held is bounded by size and by time. */
export class LineWriter {
  readonly #encoder = new TextEncoder();
  readonly #write: (bytes: Uint8Array) => void;
  #held = "";
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param write Gets whole lines; must not throw. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** @param text Whole lines, with their ends. */
  write(text: string): void {
    this.#held += text;
    if (this.#held.length >= MAX_HELD_UNITS) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), MAX_HOLD_MS);
  }

  /** Hands on what is held. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const held = this.#held;
    this.#held = "";
    if (held !== "") this.#write(this.#encoder.encode(held));
  }
}
