import type { FailureReason } from "../types.ts";
import type { BreakerState } from "./breaker.ts";

/** What became of the questions to one upstream, since the program started. */
export interface UpstreamCounters {
  readonly asked: number;
  readonly won: number;
  /** Another one had won meanwhile. */
  readonly lost: number;
  /** By kind of failure, before it had won or after; kinds that did not occur are left out. */
  readonly failed: Readonly<Partial<Record<FailureReason["kind"], number>>>;
  /** Of bodies, whatever became of them. */
  readonly bytesReceived: number;
  /** Of bodies that did not win. */
  readonly bytesWasted: number;
  /** Bodies that others went on with. */
  readonly takeoversFrom: number;
  /** Bodies of others that it went on with. */
  readonly takeoversTo: number;
  readonly breaker: BreakerState;
}

/** The counters that are plain numbers. */
type Counted = Exclude<keyof UpstreamCounters, "failed" | "breaker">;

type Mutable = { -readonly [Name in Counted]: number };

/** Counts what becomes of the questions to one upstream. */
export class Counters {
  readonly #counts: Mutable = {
    asked: 0,
    won: 0,
    lost: 0,
    bytesReceived: 0,
    bytesWasted: 0,
    takeoversFrom: 0,
    takeoversTo: 0,
  };
  readonly #failed: Partial<Record<FailureReason["kind"], number>> = {};

  add(name: Counted, count = 1): void {
    this.#counts[name] += count;
  }

  failure({ kind }: FailureReason): void {
    this.#failed[kind] = (this.#failed[kind] ?? 0) + 1;
  }

  /** What has been counted so far. */
  snapshot(breaker: BreakerState): UpstreamCounters {
    return { ...this.#counts, failed: { ...this.#failed }, breaker };
  }
}
