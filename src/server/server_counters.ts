import type { CacheResult } from "../decide/cache_status.ts";

/** How a request was answered; `NONE`: with an error, or with something of our own. */
export type CountedResult = CacheResult | "NONE";

/** What was answered with one result. */
export interface Tally {
  /** Answers by the first digit of their status. */
  readonly byClass: number[];
  /** Of bodies, handed to connections of clients. */
  bytes: number;
  /** Bodies that broke off before their end. */
  broken: number;
}

/** Counts what clients get, since the program started. On the path of a hit it only adds numbers. */
export class ServerCounters {
  /** In the order in which they are told. */
  readonly tallies: Readonly<Record<CountedResult, Tally>> = {
    HIT: tally(),
    MISS: tally(),
    JOINED: tally(),
    REVALIDATED: tally(),
    STALE: tally(),
    BYPASS: tally(),
    NONE: tally(),
  };
  /** Errors that were remembered, so that nobody was asked. */
  negative = 0;

  /** One more answer. Returns what its bytes are to be added to. */
  answered(result: CacheResult | null, status: number): Tally {
    const tally = this.tallies[result ?? "NONE"];
    const digit = Math.trunc(status / 100);
    tally.byClass[digit] = (tally.byClass[digit] ?? 0) + 1;
    return tally;
  }
}

function tally(): Tally {
  return { byClass: [0, 0, 0, 0, 0, 0], bytes: 0, broken: 0 };
}
