/** The middle of figures and where half of them are. */
export interface Spread {
  readonly median: number;
  /** The first and the third quartile; of up to three figures the least and the greatest. */
  readonly low: number;
  readonly high: number;
}

/** The spread of figures; NaN of none. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const last = sorted.length - 1;
  const at = (index: number): number => sorted[index] ?? NaN;
  const middle = last / 2;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(Math.floor(last / 4)),
    high: at(Math.ceil(last * 3 / 4)),
  };
}

/** The ratios of figures that were taken in the same rounds. */
export function ratiosOf(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.slice(0, theirs.length).map((it, round) => it / (theirs[round] ?? NaN));
}
