import { LRUCache } from "lru-cache";
import { type Expected, isSameExpected } from "../decide/digests/expected.ts";
import type { Clock, Instant, Key } from "../types.ts";

/** Files of which it is remembered who gave them wrong. */
const MAX_FILES = 10_000;

/** How long a mirror that gave a wrong file is asked for it last, in milliseconds: six hours. */
const SUSPECT_MS = 6 * 3_600_000;

interface Suspicion {
  readonly expected: Expected;
  /** Until when, by the names of mirrors. */
  readonly until: Map<string, Instant>;
}

/** Remembers which mirrors gave which files wrong, so that the next try goes to another one. */
export class Suspects {
  readonly #clock: Pick<Clock, "now">;
  readonly #files = new LRUCache<Key, Suspicion>({ max: MAX_FILES });

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  add(key: Key, upstream: string, expected: Expected): void {
    const known = this.#files.get(key);
    const isSame = known !== undefined && isSameExpected(known.expected, expected);
    const until = isSame ? known.until : new Map<string, Instant>();
    until.set(upstream, this.#clock.now() + SUSPECT_MS);
    this.#files.set(key, { expected, until });
  }

  /** Who gave a file wrong; nobody, once something else is published of it. */
  of(key: Key, expected: Expected): ReadonlySet<string> {
    const known = this.#files.get(key);
    if (known === undefined || !isSameExpected(known.expected, expected)) return new Set();
    const now = this.#clock.now();
    return new Set([...known.until].filter(([, until]) => until > now).map(([name]) => name));
  }
}
