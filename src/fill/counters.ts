import type { FailureReason, Instant } from "../types.ts";
import type { Breaker, BreakerState } from "./breaker.ts";
import { type BucketCounts, Buckets } from "./buckets.ts";

/** Bounds of the histogram of heads, in seconds: from a mirror next door to `fetch.head-timeout`. */
const HEAD_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Bounds of the histogram of throughputs, in bytes per second: from 64 KiB to 1 GiB. */
const RATE_BOUNDS = [16, 18, 20, 22, 24, 26, 28, 30].map((exponent) => 2 ** exponent);

/** What became of the questions to one upstream, since the program started. */
export interface UpstreamCounters {
  readonly asked: number;
  readonly won: number;
  /** Another one had won meanwhile. */
  readonly lost: number;
  /**
   * By kind of failure, before it had won or after; kinds that did not occur are left out. What was
   * only given up (`aborted`) is our own doing and in none of them.
   */
  readonly failed: Readonly<Partial<Record<FailureReason["kind"], number>>>;
  /** What was wrong the last time, and when. null: nothing. */
  readonly lastFailure: { readonly at: Instant; readonly reason: FailureReason } | null;
  /** Of bodies, whatever became of them. */
  readonly bytesReceived: number;
  /** Of bodies that did not win. */
  readonly bytesWasted: number;
  /** Bodies that others went on with. */
  readonly takeoversFrom: number;
  /** Bodies of others that it went on with. */
  readonly takeoversTo: number;
  /** Bodies that were not what lists say of them. */
  readonly digestMismatches: number;
  readonly breaker: BreakerState;
  /** Whether it is asked only when nobody else is left: its breaker is open, the pause not over. */
  readonly isLeftOut: boolean;
  /** How long heads of answers took, in seconds. */
  readonly headSeconds: BucketCounts;
  /** What whole bodies came with; those are left out that are too short to tell. */
  readonly bytesPerSecond: BucketCounts;
}

/** The counters that are plain numbers. */
type Counted =
  | "asked"
  | "won"
  | "lost"
  | "bytesReceived"
  | "bytesWasted"
  | "takeoversFrom"
  | "takeoversTo"
  | "digestMismatches";

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
    digestMismatches: 0,
  };
  readonly headSeconds: Buckets = new Buckets(HEAD_BOUNDS_S);
  readonly bytesPerSecond: Buckets = new Buckets(RATE_BOUNDS);
  readonly #failed: Partial<Record<FailureReason["kind"], number>> = {};
  #lastFailure: UpstreamCounters["lastFailure"] = null;

  add(name: Counted, count = 1): void {
    this.#counts[name] += count;
  }

  failure(reason: FailureReason, at: Instant): void {
    const { kind } = reason;
    if (kind === "aborted") return;
    this.#failed[kind] = (this.#failed[kind] ?? 0) + 1;
    this.#lastFailure = { at, reason };
  }

  get lastFailure(): UpstreamCounters["lastFailure"] {
    return this.#lastFailure;
  }

  /** What has been counted so far. */
  snapshot(breaker: Pick<Breaker, "state" | "standing">): UpstreamCounters {
    return {
      ...this.#counts,
      failed: { ...this.#failed },
      lastFailure: this.#lastFailure,
      breaker: breaker.state,
      isLeftOut: breaker.state === "open" && breaker.standing === "last",
      headSeconds: this.headSeconds.snapshot(),
      bytesPerSecond: this.bytesPerSecond.snapshot(),
    };
  }
}
