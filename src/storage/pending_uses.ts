import type { Clock, Instant, Key } from "../types.ts";

/** Keys gathered before they are written; bounds both memory and the time of one transaction. */
export const MAX_PENDING_KEYS = 1000;

/** How long a use stays unwritten when few come. */
const WRITE_AFTER_MS = 10_000;

/** Uses of one key since the last write. */
export interface Uses {
  readonly hits: number;
  readonly lastUsed: Instant;
}

/** Gathers uses, so that a hit costs no write to the index. */
export class PendingUses {
  readonly #write: (batch: ReadonlyMap<Key, Uses>) => void;
  readonly #clock: Clock;
  #batch = new Map<Key, { hits: number; lastUsed: Instant }>();
  #cancelTimer: (() => void) | null = null;

  /** @param write Must not throw. */
  constructor(write: (batch: ReadonlyMap<Key, Uses>) => void, clock: Clock) {
    this.#write = write;
    this.#clock = clock;
  }

  add(key: Key, at: Instant): void {
    const uses = this.#batch.get(key);
    if (uses !== undefined) {
      // In place: there is one for each hit from memory.
      uses.hits++;
      if (at > uses.lastUsed) uses.lastUsed = at;
      return;
    }
    this.#batch.set(key, { hits: 1, lastUsed: at });
    if (this.#batch.size >= MAX_PENDING_KEYS) return this.flush();
    this.#cancelTimer ??= this.#clock.after(WRITE_AFTER_MS, () => this.flush());
  }

  /** Writes what is pending, and stops the timer. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#batch.size === 0) return;
    const batch = this.#batch;
    this.#batch = new Map();
    this.#write(batch);
  }
}
