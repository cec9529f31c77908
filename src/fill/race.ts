import type { Candidate } from "../decide/candidates.ts";
import { UpstreamError } from "../errors.ts";
import type { AttemptFailure, FailureReason } from "../types.ts";
import type { Attempt } from "./attempt.ts";
import { lineUp, type RaceRules } from "./line_up.ts";
import type { RaceTrack } from "./race_track.ts";

/** How long to wait for an answer until the next is asked, where nothing is known of the best … */
const UNKNOWN_HEDGE_MS = 1_000;

/** … and where something is: so many times its usual time, within these bounds. */
const HEDGE_FACTOR = 1.25;
const MIN_HEDGE_MS = 50;
const MAX_HEDGE_MS = 3_000;

/** The first good answer, and who had failed before it; no answer when all have failed. */
export interface RaceResult<T> {
  readonly won: T | null;
  readonly failures: readonly AttemptFailure[];
}

/**
 * Enters one candidate: asks it, judges it, tells the attempt how far it is. Rejects with an
 * `UpstreamError` when the candidate is no good. After the controller has been aborted nobody looks
 * at the outcome any more: whatever it holds must go with the abort.
 */
export type Enter<T> = (
  candidate: Candidate,
  controller: AbortController,
  attempt: Attempt,
) => Promise<T>;

/**
 * Races the groups one after the other, the members of a group against each other. At most
 * `rules.width` of them are asked at once, the best first, and one alone that is far ahead or quick
 * (`line_up.ts`). The next is asked when one fails, or when nobody has answered in the time in which
 * the best usually does. A lower group runs only when every member of those above has failed.
 *
 * The losers are aborted in the very turn in which the winner is known.
 *
 * @param signal Ends the race; all contestants then fail as `aborted`.
 */
export async function race<T>(
  groups: readonly (readonly Candidate[])[],
  enter: Enter<T>,
  signal: AbortSignal,
  rules: RaceRules,
): Promise<RaceResult<T>> {
  const failures: AttemptFailure[] = [];
  const track = rules.track?.race(rules.role ?? "race") ?? null;
  try {
    for (const group of groups) {
      const won = await new GroupRace(group, enter, rules, failures, track).run(signal);
      if (won !== null) return { won: won.value, failures };
    }
    return { won: null, failures };
  } finally {
    track?.end();
  }
}

interface Contestant {
  readonly controller: AbortController;
  readonly attempt: Attempt;
  /** Whether the first byte of its body is here. */
  hasAnswered: boolean;
}

class GroupRace<T> {
  readonly #enter: Enter<T>;
  readonly #rules: RaceRules;
  readonly #failures: AttemptFailure[];
  readonly #track: RaceTrack | null;
  readonly #waiting: Candidate[];
  readonly #lastResort: Candidate[];
  readonly #starters: readonly Candidate[];
  readonly #hedgeMs: number;
  readonly #running = new Set<Contestant>();
  readonly #result = Promise.withResolvers<{ readonly value: T } | null>();
  #isOver = false;
  #hasFailed = false;
  #cancelHedge: (() => void) | null = null;

  constructor(
    group: readonly Candidate[],
    enter: Enter<T>,
    rules: RaceRules,
    failures: AttemptFailure[],
    track: RaceTrack | null,
  ) {
    const { starters, waiting, lastResort, usualMs } = lineUp(group, rules);
    this.#enter = enter;
    this.#rules = rules;
    this.#failures = failures;
    this.#track = track;
    this.#starters = starters;
    this.#waiting = [...waiting];
    this.#lastResort = [...lastResort];
    this.#hedgeMs = usualMs === null
      ? UNKNOWN_HEDGE_MS
      : Math.min(Math.max(usualMs * HEDGE_FACTOR, MIN_HEDGE_MS), MAX_HEDGE_MS);
  }

  async run(signal: AbortSignal): Promise<{ readonly value: T } | null> {
    const abort = (): void => this.#abort();
    signal.addEventListener("abort", abort, { once: true });
    try {
      if (signal.aborted) abort();
      else this.#starters.forEach((candidate) => this.#start(candidate));
      this.#goOn();
      return await this.#result.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #start(candidate: Candidate): void {
    const controller = new AbortController();
    const { upstream: { name }, url } = candidate;
    const track = this.#track?.attempt(name, url) ?? null;
    const attempt = this.#rules.standings.attempt(name, track);
    const contestant = { controller, attempt, hasAnswered: false };
    // How fast the other bytes come is not the hedge's concern.
    attempt.onFirstByte = () => {
      contestant.hasAnswered = true;
      this.#stopHedge();
    };
    this.#running.add(contestant);
    Promise.resolve().then(() => this.#enter(candidate, controller, attempt)).then(
      (value) => this.#win(contestant, value),
      (error) => this.#lose(contestant, error),
    );
  }

  #win(winner: Contestant, value: T): void {
    // It was aborted, and did not notice in time.
    if (this.#isOver) return this.#lose(winner, new UpstreamError({ kind: "aborted" }));
    this.#end();
    this.#running.delete(winner);
    winner.attempt.won();
    for (const { controller, attempt } of this.#running) {
      attempt.lost();
      controller.abort(new UpstreamError({ kind: "aborted" }));
    }
    // How they end is no news.
    this.#running.clear();
    this.#result.resolve({ value });
  }

  #lose(contestant: Contestant, error: unknown): void {
    if (!this.#running.delete(contestant)) return;
    const { attempt } = contestant;
    const reason = reasonOf(error);
    attempt.failed(reason);
    this.#failures.push({ upstream: attempt.upstream, reason });
    this.#hasFailed = true;
    if (!this.#isOver) this.#goOn();
    else if (this.#running.size === 0) this.#result.resolve(null);
  }

  /** Fills up to the width, or ends the race when there is nobody left. */
  #goOn(): void {
    if (this.#isOver) return;
    if (this.#running.size === 0 && this.#waiting.length === 0) {
      this.#waiting.push(...this.#lastResort.splice(0));
    }
    while (this.#hasFailed && this.#running.size < this.#rules.width && this.#startNext());
    if (this.#running.size === 0 && !this.#startNext()) {
      this.#end();
      this.#result.resolve(null);
    }
    this.#hedge();
  }

  #startNext(): boolean {
    const next = this.#waiting.shift();
    if (next !== undefined) this.#start(next);
    return next !== undefined;
  }

  #hedge(): void {
    this.#stopHedge();
    if (this.#isOver || this.#waiting.length === 0) return;
    if ([...this.#running].some(({ hasAnswered }) => hasAnswered)) return;
    this.#cancelHedge = this.#rules.standings.clock.after(this.#hedgeMs, () => {
      this.#startNext();
      this.#hedge();
    });
  }

  #stopHedge(): void {
    this.#cancelHedge?.();
    this.#cancelHedge = null;
  }

  #abort(): void {
    this.#end();
    const unasked = [...this.#waiting.splice(0), ...this.#lastResort.splice(0)];
    if (this.#running.size === 0) unasked.push(...this.#starters);
    for (const { upstream } of unasked) {
      this.#failures.push({ upstream: upstream.name, reason: { kind: "aborted" } });
    }
    for (const { controller } of this.#running) {
      controller.abort(new UpstreamError({ kind: "aborted" }));
    }
    if (this.#running.size === 0) this.#result.resolve(null);
  }

  #end(): void {
    this.#isOver = true;
    this.#stopHedge();
  }
}

/** A fault of ours fails a contestant too, but must not look like the mirror's. */
function reasonOf(error: unknown): FailureReason {
  if (error instanceof UpstreamError) return error.reason;
  return { kind: "network", detail: `internal error: ${error}` };
}
