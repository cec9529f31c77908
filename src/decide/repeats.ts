import type { Instant } from "../types.ts";

/** How long the same news is not told again, in milliseconds. */
const QUIET_MS = 60_000;

/** Kinds of news that are remembered; beyond it the oldest is forgotten, and would be told again. */
const MAX_KINDS = 100;

/** Keeps a trouble that lasts from filling the log: once a minute is enough for each kind. */
export class Repeats {
  readonly #kinds = new Map<string, { toldAt: Instant; untold: number }>();

  /** How often the news was not told since the last time; null when it is not to be told now. */
  tell(kind: string, now: Instant): number | null {
    const known = this.#kinds.get(kind);
    // A clock that was set back must not keep us silent.
    if (known !== undefined && now >= known.toldAt && now - known.toldAt < QUIET_MS) {
      known.untold++;
      return null;
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { toldAt: now, untold: 0 });
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > MAX_KINDS && oldest !== undefined) this.#kinds.delete(oldest);
    return known?.untold ?? 0;
  }

  /** The trouble is over. Whether it had been told. */
  settle(kind: string): boolean {
    return this.#kinds.delete(kind);
  }
}
