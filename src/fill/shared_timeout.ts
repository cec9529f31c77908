import type { Clock, Instant } from "../types.ts";

/** One timeout that waits. */
interface Waiting {
  readonly due: Instant;
  readonly callback: () => void;
}

/** All timeouts of one length by one clock: they run out in the order in which they began. */
class Timeouts {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #waiting = new Set<Waiting>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  add(callback: () => void): () => void {
    const waiting = { due: this.#clock.now() + this.#ms, callback };
    this.#waiting.add(waiting);
    this.#cancel ??= this.#clock.after(this.#ms, () => this.#run());
    return () => {
      this.#waiting.delete(waiting);
      if (this.#waiting.size > 0) return;
      this.#cancel?.();
      this.#cancel = null;
    };
  }

  #run(): void {
    this.#cancel = null;
    const now = this.#clock.now();
    for (const waiting of this.#waiting) {
      const leftMs = waiting.due - now;
      // More than all of it is left when the clock was set back: then it has waited long enough.
      if (leftMs > 0 && leftMs <= this.#ms) {
        this.#cancel ??= this.#clock.after(leftMs, () => this.#run());
        return;
      }
      this.#waiting.delete(waiting);
      waiting.callback();
    }
  }
}

const byClock = new WeakMap<Clock, Map<number, Timeouts>>();

/**
 * As `clock.after`, for what is nearly always cancelled: many of one length share one timer. One of
 * the platform's takes 5 µs to set and cancel.
 */
export function afterShared(clock: Clock, ms: number, callback: () => void): () => void {
  let byLength = byClock.get(clock);
  if (byLength === undefined) byClock.set(clock, byLength = new Map());
  let timeouts = byLength.get(ms);
  if (timeouts === undefined) byLength.set(ms, timeouts = new Timeouts(clock, ms));
  return timeouts.add(callback);
}
