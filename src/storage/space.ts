import { getLogger } from "@logtape/logtape";
import type { Clock, Instant, Limits } from "../types.ts";

/** What file systems give out space in: a file of one byte takes as much. */
export const BLOCK_BYTES = 4096;

/** How long the free space of the file system that was seen last is reckoned with. */
const LOOK_AGAIN_AFTER_MS = 1000;

/** How far below `maxBytes` eviction in the background aims, so that fills find room at once. */
const HEADROOM_SHARE = 0.01;
const MAX_HEADROOM_BYTES = 256 * 1024 * 1024;

const log = getLogger(["cache-proxy", "storage"]);

/** A file system, in bytes. */
export interface DiskSpace {
  /** For a process without privileges. */
  readonly free: number;
  readonly total: number;
}

/** A reservation that waits. */
export interface Wanted {
  readonly bytes: number;
}

/** What a file of a size takes of the disk, in bytes. */
export function diskBytes(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/**
 * Who has how much of the space that the limits leave. Numbers only: nothing here touches a file. All
 * of them are what files take of the disk, in whole blocks.
 *
 * - published: files that the index knows
 * - reserved: what unfinished files have or may still take
 * - leaving: files that were replaced or evicted and are being removed
 * - stuck: files of that kind that could not be removed
 *
 * Together they are the usage, and it is never over `maxBytes`, unless the limit was lowered or files
 * were adopted. Files that the index has yet to find take room as well, but evicting others for them
 * would be wrong before they are found. A limit on free space cannot be kept alone, since others
 * write to the disk too: it is kept as far as we can. Without one the disk's own end is the limit:
 * what could not be written whole is not begun.
 */
export class Space {
  limits: Limits;
  readonly #published: () => number;
  readonly #lookAtDisk: () => DiskSpace;
  readonly #clock: Clock;
  #reserved = 0;
  #unwritten = 0;
  readonly #wanted = new Set<Wanted>();
  #leaving = 0;
  #stuck = 0;
  #unfound = 0;
  #lastPublished = 0;
  /** What the last look at the disk left us, less what was promised since. */
  #spare = 0;
  #lookedAt: Instant | null = null;
  #looks = 0;
  #blind = false;

  constructor(
    limits: Limits,
    published: () => number,
    lookAtDisk: () => DiskSpace,
    clock: Clock,
  ) {
    this.limits = limits;
    this.#published = published;
    this.#lookAtDisk = lookAtDisk;
    this.#clock = clock;
  }

  get usage(): number {
    this.#lastPublished = this.#published();
    return this.#lastPublished + this.#reserved + this.#leaving + this.#stuck;
  }

  /**
   * Whether so many bytes more fit now, and leave to all that waits what will be free.
   *
   * @param wanted What came after it does not count.
   */
  fits(bytes: number, wanted: Wanted | null = null): boolean {
    let before = 0;
    for (const other of this.#wanted) {
      if (other === wanted) break;
      before += other.bytes;
    }
    return this.#shortage(bytes, this.#unfound) <= 0 &&
      this.#shortage(before + bytes, this.#unfound) <= this.#leaving;
  }

  /** Whether so many bytes more would fit beside what waits if all were evicted that may be. */
  isReachable(bytes: number, pinned: number): boolean {
    const evictable = Math.max(0, this.#published() - pinned);
    const more = bytes + this.#wantedBytes;
    return this.#shortage(more, this.#unfound) <= evictable + this.#leaving;
  }

  /** Bytes that must be evicted for all that waits, beyond what is leaving already. */
  get lacking(): number {
    return this.#shortage(this.#wantedBytes) - this.#leaving;
  }

  /** Bytes that eviction in the background has ahead of it. */
  get lackingAhead(): number {
    const { maxBytes } = this.limits;
    const headroom = Math.min((maxBytes ?? 0) * HEADROOM_SHARE, MAX_HEADROOM_BYTES);
    return this.#shortage(this.#wantedBytes, headroom) - this.#leaving;
  }

  /** The index knows none of the files that it knew; without one to go by, nobody knows how many. */
  forget(hadIndex: boolean): void {
    this.#unfound = hadIndex ? this.#lastPublished : Infinity;
  }

  /** The index has found a file that it did not know. */
  find(bytes: number): void {
    this.#unfound = Math.max(0, this.#unfound - bytes);
  }

  /** All files that there are have been looked for. */
  foundAll(): void {
    this.#unfound = 0;
  }

  reserve(bytes: number): void {
    this.#reserved += bytes;
    this.#unwritten += bytes;
    this.#spare -= bytes;
  }

  /** @param bytes Of a reservation, for the first time on the disk. */
  wrote(bytes: number): void {
    this.#unwritten -= bytes;
  }

  /** Ends a reservation: what was not written of it is free again. */
  release(reserved: number, unwritten: number): void {
    this.#reserved -= reserved;
    this.#unwritten -= unwritten;
    this.#spare += unwritten;
  }

  /** Announces a reservation that waits for room. Those who come later wait behind it. */
  want(bytes: number): Wanted {
    const wanted = { bytes };
    this.#wanted.add(wanted);
    return wanted;
  }

  /** It waits no longer. */
  unwant(wanted: Wanted): void {
    this.#wanted.delete(wanted);
  }

  /** Counts a file that is being removed until the result is called with what came of it. */
  leave(bytes: number): (removed: boolean) => void {
    const looks = this.#looks;
    this.#leaving += bytes;
    return (removed) => {
      this.#leaving -= bytes;
      if (!removed) this.#stuck += bytes;
      // A look that came after may have seen it gone already.
      else if (looks === this.#looks) this.#spare += bytes;
    };
  }

  /** A file that could not be removed is tried again. */
  unstick(bytes: number): void {
    this.#stuck -= bytes;
  }

  get #wantedBytes(): number {
    let bytes = 0;
    for (const wanted of this.#wanted) bytes += wanted.bytes;
    return bytes;
  }

  /** @param apart Of `maxBytes`, for something else. */
  #shortage(more: number, apart = 0): number {
    const { maxBytes } = this.limits;
    const overMax = maxBytes === null ? -Infinity : this.usage + more + apart - maxBytes;
    return Math.max(overMax, this.#shortageOfFree(more));
  }

  #shortageOfFree(more: number): number {
    const now = this.#clock.now();
    // A clock that was set back must not keep an old look for ever.
    const age = this.#lookedAt === null ? Infinity : Math.abs(now - this.#lookedAt);
    if (age >= LOOK_AGAIN_AFTER_MS) this.#look(now);
    return more - this.#spare;
  }

  #look(now: Instant): void {
    this.#lookedAt = now;
    this.#looks++;
    try {
      const { free, total } = this.#lookAtDisk();
      const { kind, value } = this.limits.minFree;
      this.#spare = free - (kind === "share" ? value * total : value) - this.#unwritten;
      this.#blind = false;
    } catch (error) {
      // To store nothing at all would be worse: the disk itself says when it is full.
      this.#spare = Infinity;
      if (!this.#blind) {
        log.warn("Cannot see the free space, min-free is not kept: {error}", { error });
      }
      this.#blind = true;
    }
  }

  /** The next question looks at the disk again, as after a change of the limits. */
  forgetLook(): void {
    this.#lookedAt = null;
  }
}
