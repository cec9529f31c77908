import { figuresOf, type Result } from "./results.ts";
import { ratiosOf, type Spread, spreadOf } from "./statistics.ts";
import type { Bar, Metric, Work } from "./work.ts";

/** How a figure stands to what it has to reach. */
export interface Verdict {
  readonly work: Work;
  readonly bar: Bar;
  readonly spread: Spread;
  /** null: it cannot be told, since somebody did not take part. */
  readonly isReached: boolean | null;
}

/** How the bars of a work stand. */
export function verdictsOf(work: Work, result: Result): Verdict[] {
  return work.bars.map((bar) => {
    const spread = spreadOf(barFigures(bar, result));
    const { rule } = bar;
    const isReached = "atLeast" in rule
      ? spread.median >= rule.atLeast
      : spread.median <= rule.atMost;
    return { work, bar, spread, isReached: Number.isNaN(spread.median) ? null : isReached };
  });
}

/** What is compared with the rule: a figure a round. */
function barFigures({ metric, of, to, rule }: Bar, result: Result): number[] {
  const ours = figuresOf(result, of, metric);
  if (to === null || rule.kind === "value") return ours;
  const theirs = figuresOf(result, to, metric);
  if (rule.kind === "ratio") return ratiosOf(ours, theirs);
  return ours.slice(0, theirs.length).map((it, round) => it - (theirs[round] ?? NaN));
}

/** How much worse than the committed results is a loss, in any case. */
export const LOSS_SHARE = 0.15;

/** A loss, or none. */
export interface Regression {
  readonly metric: Metric;
  /** Ratios to the base: how they were, and how they are. */
  readonly before: Spread;
  readonly now: Spread;
  readonly isLoss: boolean;
}

/**
 * Compares the first metric's ratio to the base with what is committed. A clear loss is beyond the
 * spread of both (the better quartile of now is worse than the worse one of then) and, in the
 * median, worse by more than `LOSS_SHARE`. null where either has no figures.
 */
export function regressionOf(
  work: Work,
  of: string,
  committed: Result,
  current: Result,
): Regression | null {
  const [metric] = work.metrics;
  if (metric === undefined) return null;
  const ratios = (result: Result): Spread =>
    spreadOf(
      ratiosOf(figuresOf(result, of, metric.name), figuresOf(result, work.base, metric.name)),
    );
  const [before, now] = [ratios(committed), ratios(current)];
  if (Number.isNaN(before.median) || Number.isNaN(now.median)) return null;
  const isLoss = metric.better === "more"
    ? now.high < before.low && now.median < before.median * (1 - LOSS_SHARE)
    : now.low > before.high && now.median > before.median * (1 + LOSS_SHARE);
  return { metric, before, now, isLoss };
}
