import type { Key } from "../../types.ts";

/**
 * Counters of changes. Keys share them by their hash: two that meet in one cost an answer its place
 * in memory now and then, and 64 Ki counters are 256 KiB for all workers together.
 */
const SLOTS = 64 * 1024;

/** Counts what concerns all keys. */
const EPOCH = SLOTS;

/** When something was kept, as far as changes go. Plain data. */
export interface Stamp {
  readonly slot: number;
  readonly generation: number;
  readonly epoch: number;
}

/**
 * Which entries have changed, in memory that all workers share: what one has kept is out of date for
 * it in the same moment in which the filling worker says so. So nobody has to be told and waited for
 * before a purge is answered.
 */
export class Generations {
  readonly shared: SharedArrayBuffer;
  readonly #counts: Int32Array<SharedArrayBuffer>;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(4 * (SLOTS + 1))) {
    this.shared = shared;
    this.#counts = new Int32Array(shared);
  }

  /** What has changed so far. Take it together with a look at the entry, without a pause between. */
  stampOf(key: Key): Stamp {
    const slot = slotOf(key);
    return {
      slot,
      generation: Atomics.load(this.#counts, slot),
      epoch: Atomics.load(this.#counts, EPOCH),
    };
  }

  /** An entry has changed or gone; null: any may have. */
  changed(key: Key | null): void {
    Atomics.add(this.#counts, key === null ? EPOCH : slotOf(key), 1);
  }

  /** Whether nothing has changed since. */
  isCurrent({ slot, generation, epoch }: Stamp): boolean {
    return Atomics.load(this.#counts, slot) === generation &&
      Atomics.load(this.#counts, EPOCH) === epoch;
  }
}

/** FNV-1a of the key's code units. */
function slotOf(key: Key): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % SLOTS;
}
