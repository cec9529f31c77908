import { type BucketCounts, Buckets } from "../../fill/buckets.ts";

/** Time between two looks, in milliseconds. */
const EVERY_MS = 100;

/** Bounds of the histogram, in seconds. */
const BOUNDS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Measures by how much timers come late: how long a request waits for its turn. */
export class LoopDelay implements Disposable {
  readonly #buckets = new Buckets(BOUNDS_S);
  readonly #timer: ReturnType<typeof setInterval>;
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#buckets.observe(Math.max(0, now - this.#last - EVERY_MS) / 1000);
      this.#last = now;
    }, EVERY_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** Delays in seconds, since the beginning. */
  snapshot(): BucketCounts {
    return this.#buckets.snapshot();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
