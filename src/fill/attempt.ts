import { blameOf } from "../decide/failure.ts";
import type { UpstreamError } from "../errors.ts";
import type { Clock, FailureReason, Instant } from "../types.ts";
import type { AttemptTrack } from "./attempt_track.ts";
import type { BodyObserver } from "./body_source.ts";
import type { Breaker } from "./breaker.ts";
import type { Counters } from "./counters.ts";
import type { Scores } from "./scores.ts";

/** A shorter body, or one that came faster than in `MIN_RATE_MS`, says little of the throughput. */
const MIN_RATE_BYTES = 256 * 1024;
const MIN_RATE_MS = 1_000;

/** What learns from an attempt. */
export interface Learners {
  readonly clock: Clock;
  readonly scores: Scores;
  breakerOf(upstream: string): Breaker;
  countersOf(upstream: string): Counters;
}

/** One question to one upstream, up to the end of its body, and what is learnt from it. */
export class Attempt implements BodyObserver {
  readonly upstream: string;
  readonly #learners: Learners;
  readonly #track: AttemptTrack | null;
  readonly #startedAt: Instant;
  /** Called once, at the first byte of the body. */
  onFirstByte: (() => void) | null = null;
  #headAt: Instant | null = null;
  #hasBody = false;
  #bytes = 0;
  #state: "racing" | "won" | "over" = "racing";
  /** How the body has ended; null while it goes on. */
  #bodyEnd: { readonly failure: UpstreamError | null; readonly waitedMs: number } | null = null;

  /** @param track Told of it as well; null: nobody watches. */
  constructor(upstream: string, learners: Learners, track: AttemptTrack | null = null) {
    this.upstream = upstream;
    this.#learners = learners;
    this.#track = track;
    this.#startedAt = learners.clock.now();
    learners.countersOf(upstream).add("asked");
    learners.breakerOf(upstream).begin();
  }

  /** The head is there, whatever it says. */
  head(status: number | null = null): void {
    this.#track?.head(status);
    this.#headAt = this.#learners.clock.now();
    const ms = this.#headAt - this.#startedAt;
    this.#learners.scores.observeHead(this.upstream, ms);
    this.#learners.countersOf(this.upstream).headSeconds.observe(ms / 1000);
  }

  body(): void {
    this.#hasBody = true;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    this.#track?.received(bytes);
    this.#learners.countersOf(this.upstream).add("bytesReceived", bytes);
    this.onFirstByte?.();
    this.onFirstByte = null;
  }

  bodyEnded(failure: UpstreamError | null, waitedMs: number): void {
    if (this.#bodyEnd !== null) return;
    this.#bodyEnd = { failure, waitedMs };
    if (this.#state === "won") this.#endTrack(failure);
    // Until it has won, how the body ends is for the race to tell.
    if (this.#state === "won") this.#learnFromBody();
  }

  /** Its answer is the one that is used. */
  won(): void {
    if (this.#state !== "racing") return;
    this.#state = "won";
    this.#track?.won();
    if (this.#bodyEnd !== null) this.#endTrack(this.#bodyEnd.failure);
    else if (!this.#hasBody) this.#endTrack(null);
    this.#learners.countersOf(this.upstream).add("won");
    this.#learners.scores.observeSuccess(this.upstream);
    this.#breaker.answered();
    if (this.#bodyEnd !== null) this.#learnFromBody();
    else if (!this.#hasBody) this.#breaker.succeeded();
  }

  /** Another one has won. */
  lost(): void {
    if (this.#state !== "racing") return;
    this.#state = "over";
    this.#track?.end("lost", null);
    const { clock, scores } = this.#learners;
    const counters = this.#learners.countersOf(this.upstream);
    counters.add("lost");
    counters.add("bytesWasted", this.#bytes);
    if (this.#headAt !== null) return this.#breaker.answered();
    scores.observeNoHead(this.upstream, clock.now() - this.#startedAt);
    this.#breaker.abandoned();
  }

  /** It did not win, and not because of another one. */
  failed(reason: FailureReason): void {
    if (this.#state !== "racing") return;
    this.#state = "over";
    this.#track?.end("failed", reason);
    this.#learners.countersOf(this.upstream).add("bytesWasted", this.#bytes);
    this.#learnFromFailure(reason);
  }

  /** Who has won and is told to stop has given what was wanted. */
  #endTrack(failure: UpstreamError | null): void {
    const isDone = failure === null || failure.reason.kind === "aborted";
    this.#track?.end(isDone ? "done" : "failed", failure?.reason ?? null);
  }

  get #breaker(): Breaker {
    return this.#learners.breakerOf(this.upstream);
  }

  #learnFromBody(): void {
    const { failure, waitedMs } = this.#bodyEnd ?? { failure: null, waitedMs: 0 };
    this.#state = "over";
    const { clock, scores } = this.#learners;
    const ms = clock.now() - (this.#headAt ?? this.#startedAt);
    if (this.#bytes >= MIN_RATE_BYTES || ms >= MIN_RATE_MS) {
      scores.observeBody(this.upstream, this.#bytes, ms, waitedMs < ms / 2);
      const rate = this.#bytes / Math.max(ms, 1) * 1000;
      this.#learners.countersOf(this.upstream).bytesPerSecond.observe(rate);
    }
    if (failure === null) this.#breaker.succeeded();
    else this.#learnFromFailure(failure.reason);
  }

  #learnFromFailure(reason: FailureReason): void {
    const { scores } = this.#learners;
    this.#learners.countersOf(this.upstream).failure(reason, this.#learners.clock.now());
    switch (blameOf(reason)) {
      case "upstream":
        scores.observeFailure(this.upstream);
        return this.#breaker.failed();
      case "file":
        scores.observeSuccess(this.upstream);
        return this.#breaker.succeeded();
      case "nobody":
        return this.#breaker.abandoned();
    }
  }
}
