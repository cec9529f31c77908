import { figuresOf, type Result } from "./results.ts";
import { ratiosOf, type Spread, spreadOf } from "./statistics.ts";
import type { Verdict } from "./verdict.ts";
import type { Bar, Metric, Work } from "./work.ts";

const MIB = 1024 * 1024;

/** A work with what came of it. */
export type Measured = readonly [work: Work, result: Result];

/** One work in Markdown: a line a contestant, medians, and the ratio of the first metric. */
export function workTable([work, result]: Measured): string {
  const titles = work.metrics.map(({ title }) => title);
  const head = ["", ...titles, `ratio to ${work.base}`, "CPU s", "cores busy"];
  const lines = result.contestants.map(({ name }) => [
    name,
    ...work.metrics.map((metric) => formatted(metric, medianOf(result, name, metric.name))),
    ratioCell(work, result, name),
    medianOf(result, name, "cpuSeconds").toFixed(2),
    medianOf(result, name, "coresBusy").toFixed(2),
  ]);
  const skipped = Object.entries(result.skipped).map(([name, why]) => `\nNot ${name}: ${why}\n`);
  return [`#### ${work.title} (\`${work.name}\`)`, "", markdownTable([head, ...lines]), ...skipped]
    .join("\n");
}

/** All works in Markdown: a line a work, with the first metric of each contestant. */
export function overview(all: readonly Measured[]): string {
  const names = namesOf(all);
  const lines = all.map(([work, result]) => [
    titleWithMetric(work),
    ...names.map((name) => {
      const [metric] = work.metrics;
      if (metric === undefined) return "";
      const median = medianOf(result, name, metric.name);
      if (Number.isNaN(median)) return "";
      const ratio = ratioOf(work, result, name).median;
      const suffix = name === work.base || Number.isNaN(ratio) ? "" : ` (${ratio.toFixed(2)})`;
      return formatted(metric, median) + suffix;
    }),
  ]);
  return markdownTable([["", ...names], ...lines]);
}

/** One contestant and the base in Markdown: a line a work, the first metric, and its ratio. */
export function besideBase(all: readonly Measured[], name: string): string {
  const base = all[0]?.[0].base ?? "";
  const lines = all.map(([work, result]) => [
    titleWithMetric(work),
    ...[name, base].map((it) => {
      const [metric] = work.metrics;
      return metric === undefined ? "" : formatted(metric, medianOf(result, it, metric.name));
    }),
    spreadText(ratioOf(work, result, name)),
  ]);
  return markdownTable([["", name, base, "ratio (quartiles)"], ...lines]);
}

/** A work with its first metric; an arrow where less is better. */
export function titleWithMetric({ title, metrics: [metric] }: Work): string {
  return `${title}: ${metric?.title}${metric?.better === "less" ? " ↓" : ""}`;
}

/** The bars in Markdown. */
export function barTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(({ work, bar, spread, isReached }) => [
    isReached === null ? "?" : isReached ? "PASS" : "FAIL",
    `${work.title}: ${titleOf(work, bar.metric)}, ${subjectOf(bar)}`,
    limitOf(bar),
    isReached === null ? "not measured" : spreadText(spread),
  ]);
  return markdownTable([["", "what", "bar", "median (quartiles)"], ...lines]);
}

/** The contestants of all works, in the order of their first appearance. */
export function namesOf(all: readonly Measured[]): string[] {
  return [...new Set(all.flatMap(([, { contestants }]) => contestants.map(({ name }) => name)))];
}

/** The ratios of the first metric to the base's. */
export function ratioOf(work: Work, result: Result, name: string): Spread {
  const metric = work.metrics[0]?.name ?? "";
  return spreadOf(ratiosOf(figuresOf(result, name, metric), figuresOf(result, work.base, metric)));
}

/** The median and the quartiles, in few digits. */
export function spreadText({ median, low, high }: Spread): string {
  const [middle, from, to] = [median, low, high].map((it) =>
    Math.abs(it) >= 100 ? it.toFixed(0) : it.toFixed(2)
  );
  return `${middle} (${from} to ${to})`;
}

function ratioCell(work: Work, result: Result, name: string): string {
  const ratio = ratioOf(work, result, name);
  return name === work.base || Number.isNaN(ratio.median) ? "" : spreadText(ratio);
}

function medianOf(result: Result, name: string, metric: string): number {
  return spreadOf(figuresOf(result, name, metric)).median;
}

function formatted({ unit }: Metric, value: number): string {
  if (Number.isNaN(value)) return "";
  switch (unit) {
    case "per second":
      return value.toFixed(value < 100 ? 1 : 0);
    case "bytes per second":
      return `${(value / MIB).toFixed(0)} MiB/s`;
    case "ms":
      return `${value.toFixed(value < 100 ? 2 : 0)} ms`;
    case "s":
      return `${value.toFixed(2)} s`;
    case "MiB":
      return `${value.toFixed(0)} MiB`;
    case "count":
      return value.toFixed(0);
  }
}

function titleOf(work: Work, metric: string): string {
  return work.metrics.find(({ name }) => name === metric)?.title ?? metric;
}

function subjectOf({ of, to, rule }: Bar): string {
  if (to === null) return of;
  return rule.kind === "difference" ? `${of} less ${to}` : `${of} to ${to}`;
}

function limitOf({ rule }: Bar): string {
  return "atLeast" in rule ? `at least ${rule.atLeast}` : `at most ${rule.atMost}`;
}

/** Columns as wide as their cells, as `deno fmt` has them. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? "").length))
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n");
}
