import { getLogger } from "@logtape/logtape";
import { LRUCache } from "lru-cache";
import type { Cache } from "../cache/cache.ts";
import type { ListChange } from "../cache/list_keeper.ts";
import { isUpdate, packageName } from "../decide/package_name.ts";
import type { Clock, Instant, Key } from "../types.ts";
import { prefetch, type PrefetchProgress } from "./admin/prefetch.ts";

/** Files that wait for a quiet time; further ones are left for whoever asks for them. */
const MAX_WAITING = 1_000;

/** How long nobody must have downloaded anything, in milliseconds. */
const QUIET_MS = 5_000;

/** A package that was asked for longer ago is in use no more, in milliseconds: 30 days. */
const IN_USE_MS = 30 * 24 * 3_600_000;

/** Files of which it is remembered that nobody but us has asked for them. */
const MAX_REMEMBERED = 10_000;

/** Names that are looked at in one turn of the event loop: some 2 ms. */
const NAMES_A_TURN = 1_000;

const log = getLogger(["cache-proxy", "prefetch"]);

/** What fetching ahead takes. */
export interface UpdateParts {
  readonly cache: () => Pick<Cache, "get">;
  /** When a copy was used last; null when there is none. */
  readonly lastUsed: (key: Key) => Instant | null;
  /** Downloads that are under way. */
  readonly downloads: () => number;
  readonly clock: Clock;
}

/** What was fetched ahead. */
export interface UpdateCounts {
  stored: number;
  failed: number;
}

/**
 * Fetches newer versions of packages that were asked for lately, when the list that names them has
 * changed: one at a time, while no client has a download under way.
 */
export class UpdatePrefetch {
  readonly counts: UpdateCounts = { stored: 0, failed: 0 };
  readonly #parts: UpdateParts;
  readonly #waiting = new Set<Key>();
  readonly #ended = new AbortController();
  /** When a file was fetched ahead: that is no use of it. */
  readonly #fetchedAt = new LRUCache<Key, Instant>({ max: MAX_REMEMBERED });
  #cancelLook: (() => void) | null = null;
  #isFetching = false;

  constructor(parts: UpdateParts) {
    this.#parts = parts;
  }

  /** Files that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** A list has changed. Resolves when what it brings has been queued; never rejects. */
  async listed(change: ListChange): Promise<void> {
    try {
      for (const key of await this.#updatesIn(change)) {
        if (this.#waiting.size >= MAX_WAITING) break;
        this.#waiting.add(key);
      }
    } catch (error) {
      log.warn("Cannot tell what is new in a list: {error}", { error });
    }
    this.#look();
  }

  /** Begins nothing more. */
  stop(): void {
    this.#ended.abort();
    this.#waiting.clear();
    this.#cancelLook?.();
  }

  async #updatesIn({ before, after }: ListChange): Promise<Key[]> {
    // Of a list that was never seen before, all is new.
    if (before.length === 0) return [];
    const known = new Set(before);
    const newest = new Map<string, { readonly key: Key; readonly version: string }>();
    await inTurns(after, (key) => {
      if (known.has(key)) return;
      const name = packageName(key);
      if (name === null) return;
      const found = newest.get(name.family);
      if (found !== undefined && !isUpdate(name.family, found.version, name.version)) return;
      newest.set(name.family, { key, version: name.version });
    });
    if (newest.size === 0) return [];
    const wanted = new Set<Key>();
    await inTurns(before, (key) => {
      const name = packageName(key);
      const update = name === null ? undefined : newest.get(name.family);
      if (name === null || update === undefined || wanted.has(update.key)) return;
      if (isUpdate(name.family, name.version, update.version) && this.#isInUse(key)) {
        wanted.add(update.key);
      }
    });
    return [...wanted];
  }

  #isInUse(key: Key): boolean {
    const usedAt = this.#parts.lastUsed(key);
    if (usedAt === null || usedAt <= (this.#fetchedAt.get(key) ?? 0)) return false;
    return usedAt > this.#parts.clock.now() - IN_USE_MS;
  }

  /** Waits for a quiet time: that no download was under way at two looks in a row. */
  #look(wasQuiet = false): void {
    if (this.#waiting.size === 0 || this.#isFetching || this.#ended.signal.aborted) return;
    this.#cancelLook?.();
    const isQuiet = this.#parts.downloads() === 0;
    if (isQuiet && wasQuiet) return void this.#fetchNext();
    this.#cancelLook = this.#parts.clock.after(QUIET_MS, () => {
      this.#cancelLook = null;
      this.#look(isQuiet);
    });
  }

  async #fetchNext(): Promise<void> {
    const [key] = this.#waiting;
    if (key === undefined) return;
    this.#waiting.delete(key);
    this.#isFetching = true;
    let last: PrefetchProgress | null = null;
    try {
      for await (const event of prefetch(this.#parts.cache, [key], this.#ended.signal)) {
        if (event.name === "progress") last = event.data as PrefetchProgress;
      }
    } catch (error) {
      log.warn("Cannot fetch {key} ahead: {error}", { key, error });
    }
    this.#isFetching = false;
    this.#tell(key, last);
    // Nobody has begun a download meanwhile: then the next one need not wait.
    this.#look(true);
  }

  #tell(key: Key, last: PrefetchProgress | null): void {
    if (last?.state === "done") {
      this.counts.stored++;
      this.#fetchedAt.set(key, this.#parts.clock.now());
      log.info("Fetched {key} ahead, {bytes} bytes: a list names it as an update", {
        key,
        bytes: last.written,
      });
    } else if (last?.state === "failed") {
      this.counts.failed++;
      log.info("Could not fetch {key} ahead: {reason}", { key, reason: last.reason });
    }
  }
}

/** Looks at many keys without keeping others waiting. */
async function inTurns(keys: readonly Key[], look: (key: Key) => void): Promise<void> {
  for (let at = 0; at < keys.length; at += NAMES_A_TURN) {
    keys.slice(at, at + NAMES_A_TURN).forEach(look);
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
}
