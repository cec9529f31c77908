import type { FailureReason, Instant } from "../types.ts";
import type { AttemptOutcome, ContestantState, ContestantView, Role, Watch } from "./fill_event.ts";
import { RateMeter } from "./rate_meter.ts";

/** What is known of a question when it is asked. */
export interface AttemptFacts {
  readonly fill: number;
  /** null: it is part of no race. */
  readonly race: number | null;
  readonly upstream: string;
  readonly role: Role;
  readonly url: string;
}

/** One question to one upstream as those see it who watch. */
export class AttemptTrack {
  readonly id: number;
  readonly upstream: string;
  readonly #watch: Watch;
  readonly #facts: AttemptFacts;
  readonly #onEnd: (track: AttemptTrack, reason: FailureReason | null) => void;
  readonly #startedAt: Instant;
  #state: ContestantState = "asked";
  #reason: FailureReason | null = null;
  #headMs: number | null = null;
  #bytes = 0;
  /** From the head on. */
  #meter: RateMeter | null = null;
  #bodyBeganAt: Instant = 0;
  #lastRate: number | null = null;

  /** @param onEnd Called once. */
  constructor(
    watch: Watch,
    facts: AttemptFacts,
    onEnd: (track: AttemptTrack, reason: FailureReason | null) => void,
  ) {
    this.id = watch.nextId();
    this.upstream = facts.upstream;
    this.#watch = watch;
    this.#facts = facts;
    this.#onEnd = onEnd;
    this.#startedAt = watch.now();
    watch.emit(() => ({
      kind: "attempt-started",
      attempt: this.id,
      at: this.#startedAt,
      ...facts,
    }));
  }

  get hasWon(): boolean {
    return this.#state === "won" || this.#state === "done";
  }

  get hasEnded(): boolean {
    return this.#state === "done" || this.#state === "lost" || this.#state === "failed";
  }

  /** Its head is there. */
  head(status: number | null): void {
    const at = this.#watch.now();
    const ms = at - this.#startedAt;
    this.#headMs = ms;
    this.#meter ??= this.#begin(at);
    if (this.#state === "asked") this.#state = "receiving";
    const { fill } = this.#facts;
    this.#watch.emit(() => ({ kind: "attempt-head", fill, attempt: this.id, at, status, ms }));
  }

  received(bytes: number): void {
    const now = this.#watch.now();
    this.#bytes += bytes;
    this.#meter ??= this.#begin(now);
    this.#meter.add(bytes, now);
    if (this.#state === "asked") this.#state = "receiving";
  }

  /** Its answer is used; what it gives goes on. */
  won(): void {
    if (!this.hasEnded) this.#state = "won";
  }

  /** The first end stands. */
  end(outcome: AttemptOutcome, reason: FailureReason | null): void {
    if (this.hasEnded) return;
    const at = this.#watch.now();
    const ms = at - this.#bodyBeganAt;
    this.#lastRate = this.#bytes > 0 && ms > 0 ? Math.round(this.#bytes * 1000 / ms) : null;
    this.#meter = null;
    this.#state = outcome;
    this.#reason = reason;
    this.#onEnd(this, reason);
    const { fill } = this.#facts;
    const bytes = this.#bytes;
    this.#watch.emit(() => ({
      kind: "attempt-ended",
      fill,
      attempt: this.id,
      at,
      outcome,
      reason,
      bytes,
    }));
  }

  view(now: Instant): ContestantView {
    const { upstream, role } = this.#facts;
    return {
      attempt: this.id,
      upstream,
      role,
      state: this.#state,
      reason: this.#reason,
      headMs: this.#headMs,
      bytes: this.#bytes,
      bytesPerSecond: this.#meter?.bytesPerSecond(now) ?? this.#lastRate,
    };
  }

  #begin(now: Instant): RateMeter {
    this.#bodyBeganAt = now;
    return new RateMeter(now);
  }
}
