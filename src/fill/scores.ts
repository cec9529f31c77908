/** How much of a new observation goes into a running mean. */
const WEIGHT = 0.25;

/** Deviations over the mean that an answer may take and still be usual. */
const USUAL_DEVIATIONS = 2;

/**
 * An upstream that lost a race before its head was there would have taken longer, nobody knows how
 * much: it counts as so many times the time that it had.
 */
const LOST_FACTOR = 2;

/** What a file is expected to have when upstreams are compared: a small package. */
const TYPICAL_BYTES = 256 * 1024;

/** What a sure failure is worth, in milliseconds of waiting. */
const FAILURE_COST_MS = 10_000;

/** An upstream that fails more often is not good enough to be asked first, or alone. */
const MAX_HEALTHY_FAILURE_SHARE = 0.2;

/** Heads that must have been seen until an upstream is well known. */
const MIN_HEADS = 5;

/** An upstream is far ahead when the next one takes so many times as long … */
const FAR_AHEAD_FACTOR = 1.75;

/** … and so many milliseconds more: below that, asking two costs less than guessing. */
const FAR_AHEAD_MS = 20;

/** Upstreams of which a saved state may tell; a config has fewer. */
const MAX_SAVED = 10_000;

/** What is known of one upstream. */
export interface Score {
  /** Running mean of the time to its head, in milliseconds; null: unknown. */
  readonly headMs: number | null;
  /** Running mean of the distance from that mean. */
  readonly headDeviationMs: number;
  /** Heads that were seen. */
  readonly heads: number;
  /** Running mean of what its bodies came at; null: unknown. */
  readonly bytesPerSecond: number | null;
  /** Failures among the last answers, 0 to 1; older ones count less and less. */
  readonly failureShare: number;
}

const UNKNOWN: Score = {
  headMs: null,
  headDeviationMs: 0,
  heads: 0,
  bytesPerSecond: null,
  failureShare: 0,
};

/** Running scores of the upstreams, by name. Plain data in and out, so that they can be kept. */
export class Scores {
  readonly #scores = new Map<string, Score>();
  #revision = 0;

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** null: nothing is known of it. */
  of(upstream: string): Score | null {
    return this.#scores.get(upstream) ?? null;
  }

  /** A head came after so many milliseconds, whatever it said. */
  observeHead(upstream: string, ms: number): void {
    const { headMs, headDeviationMs, heads } = this.#get(upstream);
    const deviation = headMs === null
      ? mean(null, ms / 2)
      : mean(headDeviationMs, Math.abs(ms - headMs));
    this.#set(upstream, {
      headMs: mean(headMs, ms),
      headDeviationMs: deviation,
      heads: heads + 1,
    });
  }

  /** Another upstream won after so many milliseconds, and this one had not sent its head yet. */
  observeNoHead(upstream: string, ms: number): void {
    const { headMs } = this.#get(upstream);
    const guess = ms * LOST_FACTOR;
    if (headMs === null || guess > headMs) this.#set(upstream, { headMs: mean(headMs, guess) });
  }

  /**
   * So many bytes of a body came in so many milliseconds.
   *
   * @param isLowerBound It could have given more, but whoever read it took its time.
   */
  observeBody(upstream: string, bytes: number, ms: number, isLowerBound: boolean): void {
    if (ms <= 0) return;
    const rate = bytes * 1000 / ms;
    const { bytesPerSecond } = this.#get(upstream);
    if (isLowerBound && bytesPerSecond !== null && rate <= bytesPerSecond) return;
    this.#set(upstream, { bytesPerSecond: mean(bytesPerSecond, rate) });
  }

  /** It gave what it should. */
  observeSuccess(upstream: string): void {
    this.#set(upstream, { failureShare: mean(this.#get(upstream).failureShare, 0) });
  }

  /** It did not. */
  observeFailure(upstream: string): void {
    this.#set(upstream, { failureShare: mean(this.#get(upstream).failureShare, 1) });
  }

  /** The time within which an upstream usually sends its head, in milliseconds; null: unknown. */
  usualHeadMs(upstream: string): number | null {
    const { headMs, headDeviationMs } = this.#get(upstream);
    return headMs === null ? null : headMs + USUAL_DEVIATIONS * headDeviationMs;
  }

  /** What its bodies come at; null: unknown. */
  bytesPerSecond(upstream: string): number | null {
    return this.#get(upstream).bytesPerSecond;
  }

  /**
   * The best first; the order of the arguments among equals. Those of which nothing is known come
   * right after the best one that is healthy, so that they get tried.
   */
  rank(upstreams: readonly string[]): readonly string[] {
    const known = upstreams.filter((it) => this.#scores.has(it));
    const unknown = upstreams.filter((it) => !this.#scores.has(it));
    known.sort((a, b) => this.#costMs(a) - this.#costMs(b));
    const [best] = known;
    if (best === undefined || !this.#isHealthy(best)) return [...unknown, ...known];
    return [best, ...unknown, ...known.slice(1)];
  }

  /** Whether one upstream is well known, healthy, and clearly better than another known one. */
  isFarAhead(upstream: string, other: string): boolean {
    const { heads } = this.#get(upstream);
    if (heads < MIN_HEADS || !this.#isHealthy(upstream) || !this.#scores.has(other)) return false;
    const [cost, otherCost] = [this.#costMs(upstream), this.#costMs(other)];
    return otherCost >= cost * FAR_AHEAD_FACTOR && otherCost - cost >= FAR_AHEAD_MS;
  }

  /**
   * Whether an upstream is well known, healthy, and usually so quick that none could be far ahead of
   * it.
   */
  isQuick(upstream: string): boolean {
    const { heads, headDeviationMs } = this.#get(upstream);
    if (heads < MIN_HEADS || !this.#isHealthy(upstream)) return false;
    return this.#costMs(upstream) + USUAL_DEVIATIONS * headDeviationMs <= FAR_AHEAD_MS;
  }

  /** Forgets all upstreams but these. */
  retain(upstreams: ReadonlySet<string>): void {
    for (const upstream of this.#scores.keys()) {
      if (upstreams.has(upstream)) continue;
      this.#scores.delete(upstream);
      this.#revision++;
    }
  }

  toJSON(): Readonly<Record<string, Score>> {
    return Object.fromEntries(this.#scores);
  }

  /**
   * Takes over what `toJSON` gave.
   *
   * @throws {TypeError} When it is something else; nothing is taken over then.
   */
  restore(saved: unknown): void {
    if (!isRecord(saved)) throw new TypeError("Cannot restore scores: they are no mapping");
    const entries = Object.entries(saved);
    if (entries.length > MAX_SAVED) {
      throw new TypeError(`Cannot restore scores: ${entries.length} are too many`);
    }
    const scores = entries.map(([upstream, value]) =>
      [upstream, scoreOf(upstream, value)] as const
    );
    for (const [upstream, score] of scores) this.#scores.set(upstream, score);
  }

  /** What a typical file from an upstream costs. What is unknown of it counts as good. */
  #costMs(upstream: string): number {
    const { headMs, bytesPerSecond, failureShare } = this.#get(upstream);
    const bodyMs = bytesPerSecond === null ? 0 : TYPICAL_BYTES * 1000 / bytesPerSecond;
    return (headMs ?? 0) + bodyMs + failureShare * FAILURE_COST_MS;
  }

  #isHealthy(upstream: string): boolean {
    return this.#get(upstream).failureShare <= MAX_HEALTHY_FAILURE_SHARE;
  }

  #get(upstream: string): Score {
    return this.#scores.get(upstream) ?? UNKNOWN;
  }

  #set(upstream: string, news: Partial<Score>): void {
    this.#scores.set(upstream, { ...this.#get(upstream), ...news });
    this.#revision++;
  }
}

/** A clock that was set back may give times below nothing. */
function mean(old: number | null, value: number): number {
  const next = Math.max(0, value);
  return old === null ? next : old + (next - old) * WEIGHT;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function scoreOf(upstream: string, value: unknown): Score {
  const fields = isRecord(value) ? value : {};
  const number = (name: keyof Score, maximum = Number.MAX_VALUE): number => {
    const field = fields[name];
    if (typeof field === "number" && field >= 0 && field <= maximum) return field;
    throw new TypeError(`Cannot restore scores: ${name} of "${upstream}" is ${field}`);
  };
  const numberOrNull = (name: keyof Score): number | null =>
    fields[name] === null ? null : number(name);
  return {
    headMs: numberOrNull("headMs"),
    headDeviationMs: number("headDeviationMs"),
    heads: number("heads"),
    bytesPerSecond: numberOrNull("bytesPerSecond"),
    failureShare: number("failureShare", 1),
  };
}
