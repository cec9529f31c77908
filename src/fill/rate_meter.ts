import type { Instant } from "../types.ts";

/** A rate is that of the last one to two windows, in milliseconds. */
const WINDOW_MS = 1_000;

/** After a shorter time no rate can be told. */
const MIN_MS = 100;

/** How much had come at some moment. */
interface Mark {
  readonly at: Instant;
  readonly bytes: number;
}

/** What comes in, and how fast of late. Two marks, however long it goes on. */
export class RateMeter {
  #bytes = 0;
  #older: Mark;
  #newer: Mark;

  constructor(now: Instant) {
    this.#older = this.#newer = { at: now, bytes: 0 };
  }

  add(bytes: number, now: Instant): void {
    this.#mark(now);
    this.#bytes += bytes;
  }

  /** Bytes per second, whole; null as long as none can be told. */
  bytesPerSecond(now: Instant): number | null {
    this.#mark(now);
    const ms = now - this.#older.at;
    return ms < MIN_MS ? null : Math.round((this.#bytes - this.#older.bytes) * 1000 / ms);
  }

  /** Also when the clock was set back. */
  #mark(now: Instant): void {
    if (now >= this.#newer.at && now - this.#newer.at < WINDOW_MS) return;
    this.#older = now < this.#newer.at ? { at: now, bytes: this.#bytes } : this.#newer;
    this.#newer = { at: now, bytes: this.#bytes };
  }
}
