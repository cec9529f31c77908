import {
  HISTORY_COLUMNS,
  HistoryRing,
  type HistoryTable,
  type HistoryValues,
} from "./history_ring.ts";

/** How long a range is kept, and how fine: its size is that of its ring, whatever happens. */
const RANGES = {
  /** An hour in steps of 10 seconds. */
  hour: { stepSeconds: 10, steps: 360 },
  /** A day in steps of 5 minutes. */
  day: { stepSeconds: 300, steps: 288 },
  /** 31 days in steps of 2 hours. */
  month: { stepSeconds: 7200, steps: 372 },
} as const;

/** How far a history goes back. */
export type HistoryRange = keyof typeof RANGES;

/** All ranges, the shortest first. */
export const HISTORY_RANGES: readonly HistoryRange[] = ["hour", "day", "month"];

/** How often to call `sample`, in milliseconds: the finest step. */
export const HISTORY_STEP_MS: number = RANGES.hour.stepSeconds * 1000;

/** What the saved form is called, so that another one is not mistaken for it. */
const FORMAT = 1;

/**
 * What the proxy did over an hour, a day and a month, in bounded space. It is fed with totals that
 * grow, and keeps by how much they grew in each step.
 */
export class History {
  readonly #rings: Readonly<Record<HistoryRange, HistoryRing>> = {
    hour: new HistoryRing(RANGES.hour.stepSeconds, RANGES.hour.steps),
    day: new HistoryRing(RANGES.day.stepSeconds, RANGES.day.steps),
    month: new HistoryRing(RANGES.month.stepSeconds, RANGES.month.steps),
  };
  #lastAt: number | null = null;
  #last: HistoryValues | null = null;

  /**
   * Counts what has come to the totals since the last time. To be called at the end of each step of
   * `HISTORY_STEP_MS`, and in between by whoever wants to read what is newest.
   *
   * @param now Milliseconds since the epoch.
   */
  sample(now: number, totals: HistoryValues): void {
    const [lastAt, last] = [this.#lastAt, this.#last];
    this.#lastAt = now;
    this.#last = totals;
    if (lastAt === null || last === null) return;
    // The middle: a timer that comes a little early or late does not move a count to another step.
    const at = lastAt + Math.max(now - lastAt, 0) / 2;
    const grown = grownBy(last, totals);
    for (const ring of Object.values(this.#rings)) ring.add(at, grown);
  }

  /** A range up to now, in milliseconds since the epoch. */
  table(range: HistoryRange, now: number): HistoryTable {
    return this.#rings[range].table(now);
  }

  /** For `restore`; at most some 80 KiB. */
  toJSON(): Readonly<Record<string, unknown>> {
    return { format: FORMAT, ...this.#rings };
  }

  /**
   * Takes over what `toJSON` gave, before the first sample.
   *
   * @throws {Error} When it is something else; what was taken over till then stays.
   */
  restore(saved: unknown): void {
    if (typeof saved !== "object" || saved === null) throw new Error("it is no object");
    const { format, ...rings }: Record<string, unknown> = { ...saved };
    if (format !== FORMAT) throw new Error(`its format is ${format}, not ${FORMAT}`);
    for (const range of HISTORY_RANGES) this.#rings[range].restore(rings[range]);
  }
}

function grownBy(last: HistoryValues, totals: HistoryValues): HistoryValues {
  const grown = { ...totals };
  for (const name of HISTORY_COLUMNS) {
    // The size of the cache is a state, no count. Counts of an upstream that the config has no more
    // leave the totals.
    if (name !== "cacheBytes") grown[name] = Math.max(totals[name] - last[name], 0);
  }
  return grown;
}
