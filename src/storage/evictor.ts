import { getLogger } from "@logtape/logtape";
import { StorageError } from "../errors.ts";
import type { IndexedFile, UsePosition } from "./entry_index.ts";
import type { PendingUses } from "./pending_uses.ts";
import type { Pins } from "./pins.ts";
import { diskBytes, type Space, type Wanted } from "./space.ts";
import { takeEntry, type TakingParts } from "./take_entry.ts";

/** Entries that go in one turn of the event loop: a millisecond or two of work. */
const BATCH_ENTRIES = 16;

/** Between two batches in the background, for requests to come in between. */
const PAUSE_MS = 5;

/** How long a fill waits for room before its body is passed on unstored. */
const MAX_WAIT_MS = 5_000;

/** How often the background looks for entries out of use, and at the disk. */
const SWEEP_EVERY_MS = 60_000;

/** However short `inactive` is. */
const MIN_SWEEP_EVERY_MS = 1_000;

/** How far ahead a use may be: clocks are set back by a moment all the time. */
const FUTURE_AFTER_MS = 60_000;

/** Corrected in one sweep: some milliseconds of work. */
const MAX_FUTURE_USES = 1_000;

/** How often the log says what was evicted, at most. */
const LOG_EVERY_MS = 10_000;

const log = getLogger(["cache-proxy", "storage"]);

/** What an evictor works with. */
export interface EvictorParts extends TakingParts {
  readonly uses: PendingUses;
  readonly pins: Pins;
  readonly space: Space;
}

/**
 * Makes room: the entry that was not used for longest goes first, of those of one instant the one
 * stored first. Pinned entries stay.
 */
export class Evictor {
  readonly #parts: EvictorParts;
  readonly #unpin: (() => void)[] = [];
  #cancelStep: (() => void) | null = null;
  #cancelSweep: (() => void) | null = null;
  #cancelLog: (() => void) | null = null;
  /** Since the start. */
  #evicted = { count: 0, bytes: 0 };
  /** What the log has told of that. */
  #told = { count: 0, bytes: 0 };
  #warned = false;
  #closed = false;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  /**
   * Waits until so many bytes fit, and reserves them in the same turn. Whoever waits evicts for all
   * who wait; nobody else waits for it.
   *
   * @throws {StorageError} `storage-full` when no room can be made, or not in time.
   */
  async makeRoom(bytes: number): Promise<void> {
    const { space, pins } = this.#parts;
    if (!space.fits(bytes)) {
      if (!space.isReachable(bytes, pins.bytes)) throw full(bytes, "all that may go would not do");
      const wanted = space.want(bytes);
      try {
        await this.#evictFor(wanted);
      } finally {
        space.unwant(wanted);
      }
    }
    space.reserve(bytes);
    this.wake();
  }

  /** What has gone since the start: entries, and the bytes that they took of the disk. */
  get evicted(): { readonly count: number; readonly bytes: number } {
    return { ...this.#evicted };
  }

  /** Looks whether there is something to do in the background. Never throws. */
  wake(): void {
    if (this.#closed) return;
    this.#cancelSweep ??= this.#after(this.#sweepEveryMs, () => this.#sweep());
    if (this.#cancelStep === null && this.#isLackingAhead()) this.#stepLater();
  }

  /** The limits have changed. */
  limitsChanged(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    this.#parts.space.forgetLook();
    this.wake();
  }

  /** Cancels what is planned; who waits for room waits no longer. */
  close(): void {
    this.#closed = true;
    for (const cancel of [this.#cancelStep, this.#cancelSweep, this.#cancelLog]) cancel?.();
    this.#logEvicted();
    this.#parts.trash.wake();
  }

  get #sweepEveryMs(): number {
    const { inactiveMs } = this.#parts.space.limits;
    return Math.max(MIN_SWEEP_EVERY_MS, Math.min(SWEEP_EVERY_MS, inactiveMs ?? Infinity));
  }

  /** What it takes to know that cannot be read: then the next sweep looks again. */
  #isLackingAhead(): boolean {
    try {
      return this.#parts.space.lackingAhead > 0;
    } catch (error) {
      this.#warn("Cannot tell whether to evict: {error}", { error });
      return false;
    }
  }

  #after(ms: number, callback: () => void): () => void {
    return this.#parts.system.clock.after(ms, () => {
      if (!this.#closed) callback();
    });
  }

  async #evictFor(wanted: Wanted): Promise<void> {
    const { space, trash } = this.#parts;
    const { bytes } = wanted;
    let isLate = false;
    const cancel = this.#after(MAX_WAIT_MS, () => {
      isLate = true;
      trash.wake();
    });
    try {
      while (!space.fits(bytes, wanted)) {
        const evicted = this.#evict(() => space.lacking > 0);
        // An entry without a file, say, was room at once.
        if (space.fits(bytes, wanted)) return;
        if (evicted === 0 && trash.isEmpty) throw full(bytes, "nothing more may go");
        await (trash.isEmpty ? nextTurn() : trash.changed());
        if (isLate) throw full(bytes, `no room was made in ${MAX_WAIT_MS} ms`);
        if (this.#closed) throw full(bytes, "the storage is closed");
      }
    } finally {
      cancel();
    }
  }

  /**
   * Evicts while it is needed, up to one batch.
   *
   * @param isInTurn Whether an entry may go that was last used at an instant.
   * @returns How many went.
   */
  #evict(isNeeded: () => boolean, isInTurn = (_lastUsed: number): boolean => true): number {
    const { index, uses, pins } = this.#parts;
    // The order of the index is the true one only when it has all uses.
    uses.flush();
    let position: UsePosition | undefined;
    let evicted = 0;
    for (let tried = 0; tried < BATCH_ENTRIES;) {
      const files = index.leastRecentlyUsed(BATCH_ENTRIES, position);
      for (const file of files) {
        if (tried >= BATCH_ENTRIES || !isNeeded() || !isInTurn(file.position.lastUsed)) {
          return evicted;
        }
        if (pins.has(file.entry.key)) continue;
        tried++;
        if (this.#evictOne(file)) evicted++;
      }
      position = files.at(-1)?.position;
      if (position === undefined) break;
    }
    return evicted;
  }

  #evictOne(file: IndexedFile): boolean {
    const bytes = diskBytes(file.entry.size);
    try {
      void takeEntry(file, this.#parts, { force: false });
    } catch (error) {
      // It keeps its row, and so it counts. Until the next sweep others go in its place.
      this.#unpin.push(this.#parts.pins.pin(file.entry.key, bytes));
      this.#warn("Cannot evict {key}, its bytes still count: {error}", {
        key: file.entry.key,
        error,
      });
      return false;
    }
    this.#evicted.count++;
    this.#evicted.bytes += bytes;
    this.#cancelLog ??= this.#after(LOG_EVERY_MS, () => this.#logEvicted());
    return true;
  }

  #stepLater(): void {
    this.#cancelStep = this.#after(PAUSE_MS, () => void this.#step());
  }

  async #step(): Promise<void> {
    const { space, trash } = this.#parts;
    const evicted = this.#quietly(() => this.#evict(() => space.lackingAhead > 0));
    // Not faster than the disk takes it.
    while (!this.#closed && !trash.isEmpty) await trash.changed();
    if (this.#closed) return;
    this.#cancelStep = null;
    if (evicted > 0) this.wake();
  }

  #sweep(): void {
    this.#cancelSweep = null;
    for (const unpin of this.#unpin.splice(0)) unpin();
    this.#warned = false;
    this.#forgetFutureUses();
    void this.#parts.trash.retry();
    void this.#evictInactive();
    this.wake();
  }

  /** What was used while the clock was ahead would be the last to go, for as long as it was ahead. */
  #forgetFutureUses(): void {
    const { index, system } = this.#parts;
    const now = system.clock.now();
    try {
      index.forgetFutureUses(now + FUTURE_AFTER_MS, now, MAX_FUTURE_USES);
    } catch (error) {
      this.#warn("Cannot correct uses that are in the future: {error}", { error });
    }
  }

  async #evictInactive(): Promise<void> {
    const { space, system, trash } = this.#parts;
    for (;;) {
      const { inactiveMs } = space.limits;
      if (inactiveMs === null || this.#closed) return;
      const before = system.clock.now() - inactiveMs;
      const evicted = this.#quietly(() => this.#evict(() => true, (at) => at <= before));
      if (evicted === 0) return;
      await nextTurn();
      while (!this.#closed && !trash.isEmpty) await trash.changed();
    }
  }

  /** Nobody waits for the background, so nobody could be told. */
  #quietly(evict: () => number): number {
    try {
      return evict();
    } catch (error) {
      this.#warn("Cannot evict: {error}", { error });
      return 0;
    }
  }

  /** Once until the next sweep: what fails now fails for one entry after the other. */
  #warn(message: string, properties: Record<string, unknown>): void {
    if (!this.#warned) log.warn(message, properties);
    this.#warned = true;
  }

  #logEvicted(): void {
    this.#cancelLog = null;
    const count = this.#evicted.count - this.#told.count;
    const bytes = this.#evicted.bytes - this.#told.bytes;
    this.#told = this.evicted;
    if (count > 0) log.info("Evicted {count} entries of {bytes} bytes", { count, bytes });
  }
}

/** Lets the event loop do what else there is to do. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function full(bytes: number, why: string): StorageError {
  return new StorageError("storage-full", `Cannot make room for ${bytes} bytes: ${why}`);
}
