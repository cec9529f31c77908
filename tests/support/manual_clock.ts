import type { Clock, Instant } from "../../src/types.ts";

/** A clock that the test holds: time passes when it says so. */
export class ManualClock implements Clock {
  #now: Instant;
  readonly #timers = new Set<{ at: Instant; readonly callback: () => void }>();

  constructor(now: Instant = Date.UTC(2026, 0, 15, 12)) {
    this.#now = now;
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): Instant {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the time of day, as an administrator does; no timer goes off for that. */
  set(now: Instant): void {
    const by = now - this.#now;
    this.#now = now;
    const moved = [...this.#timers];
    this.#timers.clear();
    for (const timer of moved) {
      timer.at += by;
      this.#timers.add(timer);
    }
  }

  /** Lets time pass; timers go off in order, those included that are set on the way. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = until;
  }
}
