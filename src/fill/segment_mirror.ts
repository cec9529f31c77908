import type { Candidate } from "../decide/candidates.ts";
import type { FailureReason, Instant } from "../types.ts";
import type { Attempt } from "./attempt.ts";
import type { RaceRules } from "./line_up.ts";
import type { Standings } from "./standings.ts";
import type { UpstreamClient } from "./upstream_client.ts";

/** Failures in a row after which a mirror gives no more segments of a file. */
const MAX_FAILURES = 3;

/** How long a mirror is left alone after its first failure; doubled with each further one. */
const PAUSE_MS = 1000;

/** What a new rate counts for beside those before it. */
const NEW_RATE_SHARE = 0.5;

/** One mirror as far as one file goes. */
export class SegmentMirror {
  readonly candidate: Candidate;
  readonly client: UpstreamClient;
  readonly standings: Standings;
  /** Bytes per millisecond; null until it has shown any. */
  rate: number | null = null;
  /** The strong ETag that its answers have; null while none is known. */
  etag: string | null;
  /** Whether a response of it is under way: it has one connection for a file. */
  isBusy = false;
  /** Whether what it has is not what the others have, or it gives no parts. */
  isDropped = false;
  readonly #track: RaceRules["track"];
  #failures = 0;
  #pausedUntil: Instant = 0;

  constructor(
    candidate: Candidate,
    client: UpstreamClient,
    { standings, track }: Pick<RaceRules, "standings" | "track">,
    etag: string | null,
  ) {
    this.candidate = candidate;
    this.client = client;
    this.standings = standings;
    this.#track = track;
    this.etag = etag;
  }

  get name(): string {
    return this.candidate.upstream.name;
  }

  /** It is asked for a segment. */
  attempt(): Attempt {
    const track = this.#track?.attempt(this.name, "segment", this.candidate.url) ?? null;
    return this.standings.attempt(this.name, track);
  }

  /** What it gave is not what the others have there. */
  differs(detail: string): void {
    const at = this.standings.clock.now();
    this.standings.countersOf(this.name).failure({ kind: "differs", detail }, at);
    this.#track?.differs(this.name, detail);
  }

  /** Whether it may be asked at all, now or later. */
  get isUsable(): boolean {
    if (this.isDropped || this.#failures >= MAX_FAILURES) return false;
    return this.standings.breakerOf(this.name).standing !== "last";
  }

  isFree(now: Instant): boolean {
    return this.isUsable && !this.isBusy && this.#pausedUntil <= now;
  }

  /** It has delivered so many bytes in so many milliseconds. */
  delivered(bytes: number, elapsedMs: number): void {
    if (bytes === 0) return;
    const rate = bytes / Math.max(1, elapsedMs);
    this.rate = this.rate === null
      ? rate
      : this.rate * (1 - NEW_RATE_SHARE) + rate * NEW_RATE_SHARE;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(now: Instant): void {
    this.#pausedUntil = now + PAUSE_MS * 2 ** this.#failures;
    this.#failures++;
  }

  /** What had failed may be back. */
  forgive(): void {
    this.#failures = 0;
    this.#pausedUntil = 0;
  }
}

/** Whether a failure shows that a mirror cannot have part in the file, and not just now. */
export function isForGood(reason: FailureReason): boolean {
  switch (reason.kind) {
    case "status":
      return reason.status < 500 && reason.status !== 429 && reason.status !== 408;
    case "differs":
    case "checker":
    case "html":
    case "redirect":
      return true;
    default:
      return false;
  }
}
