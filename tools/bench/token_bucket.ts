/** A connection that was idle, or a timer that was late, may catch up on so many milliseconds. */
const MAX_BURST_MS = 20;

/** Lets so many bytes a second pass. */
export class TokenBucket {
  readonly #bytesPerMs: number;
  #dueAt = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  async take(bytes: number): Promise<void> {
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now - MAX_BURST_MS) + bytes / this.#bytesPerMs;
    const ms = this.#dueAt - now;
    if (ms > 0) await new Promise<void>((resolve) => setTimeout(resolve, ms));
  }
}
