import type { BucketCounts } from "../../fill/buckets.ts";

/** Labels of a series: their names are ours, their values may be anything. */
export type Labels = Readonly<Record<string, string>>;

/** A value, and the labels that it stands under. */
export type Sample = readonly [value: number, labels?: Labels];

/** A histogram's labels, and what was counted under them. */
export type CountedBuckets = readonly [counts: BucketCounts, labels?: Labels];

/**
 * Metrics that are read where they are counted, when somebody scrapes; nothing is kept in between.
 * Written in the text format of Prometheus, which others read as well:
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export class MetricSet {
  static readonly CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  readonly #metrics: (() => string[])[] = [];

  /** What only grows; its name ends in `_total`. */
  counter(name: string, help: string, read: () => readonly Sample[]): void {
    this.#add(name, help, "counter", () => read().map((sample) => line(name, sample)));
  }

  /** What goes up and down. */
  gauge(name: string, help: string, read: () => readonly Sample[]): void {
    this.#add(name, help, "gauge", () => read().map((sample) => line(name, sample)));
  }

  histogram(name: string, help: string, read: () => readonly CountedBuckets[]): void {
    this.#add(name, help, "histogram", () => read().flatMap((it) => histogramLines(name, it)));
  }

  /** All metrics as they are now. */
  text(): string {
    return this.#metrics.map((read) => read().join("\n")).join("\n\n") + "\n";
  }

  #add(name: string, help: string, type: string, lines: () => string[]): void {
    const head = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
    this.#metrics.push(() => [...head, ...lines()]);
  }
}

/** Buckets are cumulative: each has what is up to its bound. */
function histogramLines(name: string, [counts, labels = {}]: CountedBuckets): string[] {
  let count = 0;
  const buckets = counts.counts.map((own, at) => {
    count += own;
    const le = String(counts.bounds[at] ?? "+Inf");
    return line(`${name}_bucket`, [count, { ...labels, le }]);
  });
  return [
    ...buckets,
    line(`${name}_sum`, [counts.sum, labels]),
    line(`${name}_count`, [count, labels]),
  ];
}

function line(name: string, [value, labels = {}]: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) =>
    `${label}="${escaped(text).replaceAll('"', '\\"')}"`
  );
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
