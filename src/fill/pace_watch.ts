import { UpstreamError } from "../errors.ts";
import type { Clock } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import type { Rivals } from "./rivals.ts";

/** Over how much waiting the minimum rate must be kept, in milliseconds. */
const MINIMUM_RATE_WINDOW_MS = 20_000;

/** An upstream is left that runs for so long, in milliseconds of waiting, … */
const FRACTION_WINDOW_MS = 5_000;

/** … at under such a fraction of the rate that another one is known for. */
const FRACTION = 1 / 4;

/** How often to look, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** What a body's pace is measured by. */
export interface PaceRules {
  readonly clock: Clock;
  /** 0: none. */
  readonly minimumBytesPerSecond: number;
  readonly rivals: Rivals;
}

/** How far a body was when somebody looked. */
interface Sample {
  readonly waitedMs: number;
  readonly bytes: number;
}

/**
 * Sees whether a body comes in too slowly while another upstream is at hand. Only time that is spent
 * waiting for the upstream counts: a reader that takes its time is no reason.
 */
export class PaceWatch {
  readonly #source: BodySource;
  readonly #upstream: string;
  readonly #rules: PaceRules;
  readonly #onSlow: (failure: UpstreamError) => void;
  /** The oldest first, at most `MINIMUM_RATE_WINDOW_MS` of waiting apart, but for the first. */
  #samples: Sample[];
  #cancel: () => void;

  /** @param onSlow Called at most once. */
  constructor(
    source: BodySource,
    upstream: string,
    rules: PaceRules,
    onSlow: (failure: UpstreamError) => void,
  ) {
    this.#source = source;
    this.#upstream = upstream;
    this.#rules = rules;
    this.#onSlow = onSlow;
    this.#samples = [this.#sample()];
    this.#cancel = this.#lookLater();
  }

  stop(): void {
    this.#cancel();
  }

  #lookLater(): () => void {
    return this.#rules.clock.after(LOOK_EVERY_MS, () => {
      const failure = this.#look();
      if (failure === null) this.#cancel = this.#lookLater();
      else this.#onSlow(failure);
    });
  }

  #look(): UpstreamError | null {
    const now = this.#sample();
    // Who did not wait meanwhile has nothing to tell.
    if (now.waitedMs - (this.#samples.at(-1)?.waitedMs ?? 0) < LOOK_EVERY_MS / 2) return null;
    this.#samples.push(now);
    const oldest = this.#samples.findLastIndex((it) =>
      now.waitedMs - it.waitedMs >= MINIMUM_RATE_WINDOW_MS
    );
    this.#samples = this.#samples.slice(Math.max(0, oldest));
    const { minimumBytesPerSecond, rivals } = this.#rules;
    if (!rivals.isThereOtherThan(this.#upstream)) return null;
    const known = rivals.bestRateOtherThan(this.#upstream) ?? 0;
    return this.#judge(now, FRACTION_WINDOW_MS, known * FRACTION) ??
      this.#judge(now, MINIMUM_RATE_WINDOW_MS, minimumBytesPerSecond);
  }

  #judge(now: Sample, windowMs: number, expected: number): UpstreamError | null {
    const then = this.#samples.findLast((it) => now.waitedMs - it.waitedMs >= windowMs);
    if (then === undefined) return null;
    const rate = (now.bytes - then.bytes) * 1000 / (now.waitedMs - then.waitedMs);
    if (rate >= expected) return null;
    return new UpstreamError({
      kind: "slow",
      bytesPerSecond: Math.round(rate),
      expectedBytesPerSecond: Math.round(expected),
    });
  }

  #sample(): Sample {
    return { waitedMs: this.#source.waitedMs, bytes: this.#source.received };
  }
}
