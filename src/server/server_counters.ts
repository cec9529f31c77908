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

/** What one result has added to a tally. Plain data. */
export type CountedTally = { readonly result: CountedResult } & Readonly<Tally>;

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

  /** Adds what was counted elsewhere. */
  add(counted: readonly CountedTally[]): void {
    for (const { result, byClass, bytes, broken } of counted) {
      const tally = this.tallies[result];
      byClass.forEach((count, digit) => tally.byClass[digit] = (tally.byClass[digit] ?? 0) + count);
      tally.bytes += bytes;
      tally.broken += broken;
    }
  }

  /** Takes what was counted so far, to be added elsewhere, and begins anew. */
  take(): readonly CountedTally[] {
    const counted: CountedTally[] = [];
    for (const [result, tally] of Object.entries(this.tallies)) {
      if (tally.byClass.every((count) => count === 0)) continue;
      counted.push({ result: result as CountedResult, ...tally, byClass: [...tally.byClass] });
      tally.byClass.fill(0);
      tally.bytes = tally.broken = 0;
    }
    return counted;
  }
}

function tally(): Tally {
  return { byClass: [0, 0, 0, 0, 0, 0], bytes: 0, broken: 0 };
}
