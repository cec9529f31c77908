import type { BucketCounts } from "../../fill/buckets.ts";

/** Labels of a series: their names are ours, their values may be anything. */
export type Labels = Readonly<Record<string, string>>;

/** A value, and the labels that it stands under. */
export type Sample = readonly [value: number, labels?: Labels];

/** A histogram's labels, and what was counted under them. */
export type CountedBuckets = readonly [counts: BucketCounts, labels?: Labels];

/** One metric, and how to read its series. */
export type Metric =
  & { readonly name: string; readonly help: string }
  & (
    | { readonly type: "counter" | "gauge"; readonly read: () => readonly Sample[] }
    | { readonly type: "histogram"; readonly read: () => readonly CountedBuckets[] }
  );

/**
 * Metrics that are read where they are counted, when somebody scrapes; nothing is kept in between.
 */
export class MetricSet {
  readonly #metrics: Metric[] = [];

  /** What only grows; its name ends in `_total`. */
  counter(name: string, help: string, read: () => readonly Sample[]): void {
    this.#metrics.push({ name, help, type: "counter", read });
  }

  /** What goes up and down. */
  gauge(name: string, help: string, read: () => readonly Sample[]): void {
    this.#metrics.push({ name, help, type: "gauge", read });
  }

  histogram(name: string, help: string, read: () => readonly CountedBuckets[]): void {
    this.#metrics.push({ name, help, type: "histogram", read });
  }

  /** All metrics, in the order in which they were added. */
  get all(): readonly Metric[] {
    return this.#metrics;
  }
}
