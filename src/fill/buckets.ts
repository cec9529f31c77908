/** How often values of certain sizes have occurred. */
export interface BucketCounts {
  /** Upper bounds, inclusive, rising. */
  readonly bounds: readonly number[];
  /** Of each bound those values that no lower bound takes; at the end those beyond all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts values by their size. */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds Upper bounds, inclusive, rising. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.#bounds.length : found;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** What has been counted so far; a copy. */
  snapshot(): BucketCounts {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
