import { getLogger } from "@logtape/logtape";
import type { Clock, Instant } from "../types.ts";

/** Failures in a row, no whole answer between them, after which an upstream is left out. */
export const FAILURES_TO_OPEN = 5;

/** How long an upstream is left out at first, in milliseconds; twice as long each further time … */
export const FIRST_PAUSE_MS = 10_000;

/** … up to this. */
export const MAX_PAUSE_MS = 600_000;

/** Share of a pause by which it is longer or shorter, so that probes do not march in step. */
export const JITTER = 0.25;

/** closed: asked as usual; open: left out; half-open: one question is under way to try it. */
export type BreakerState = "closed" | "open" | "half-open";

/** How an upstream is to be asked: as usual, once to try it, or when nobody else is left. */
export type Standing = "usual" | "probe" | "last";

const log = getLogger(["cache-proxy", "fill"]);

/** What a breaker works with. */
export interface BreakerParts {
  readonly clock: Clock;
  /** From 0 up to but without 1. */
  readonly random: () => number;
  /** Told when an upstream is begun to be left out. */
  readonly onOpen?: (failures: number, pauseMs: number) => void;
}

/** Leaves an upstream out while it fails, and tries it again after a growing pause. */
export class Breaker {
  readonly #upstream: string;
  readonly #parts: BreakerParts;
  #state: BreakerState = "closed";
  #failures = 0;
  /** Pauses since the last whole answer. */
  #pauses = 0;
  #openedAt: Instant = 0;
  #pauseMs = 0;

  constructor(upstream: string, parts: BreakerParts) {
    this.#upstream = upstream;
    this.#parts = parts;
  }

  get state(): BreakerState {
    return this.#state;
  }

  get standing(): Standing {
    if (this.#state === "closed") return "usual";
    if (this.#state === "half-open") return "last";
    const elapsed = this.#parts.clock.now() - this.#openedAt;
    // A clock that was set back must not leave it out for longer.
    return elapsed >= this.#pauseMs || elapsed < 0 ? "probe" : "last";
  }

  /** It is being asked. */
  begin(): void {
    if (this.standing !== "probe") return;
    this.#state = "half-open";
    log.info("{upstream} is being tried again", { upstream: this.#upstream });
  }

  /** It has answered, though what follows may still fail. */
  answered(): void {
    if (this.#state !== "closed") this.#close();
  }

  /** It has given a whole answer. */
  succeeded(): void {
    this.#failures = 0;
    this.#pauses = 0;
    this.answered();
  }

  failed(): void {
    // What began before it was left out is no news.
    if (this.#state === "open") return;
    this.#failures++;
    if (this.#state === "half-open" || this.#failures >= FAILURES_TO_OPEN) this.#open();
  }

  /** What it gave proved to be wrong: it is left out at once, however well it answers. */
  distrust(): void {
    if (this.#state === "open") return;
    this.#failures++;
    this.#open();
  }

  /** What was asked of it was given up, and nothing was learnt. */
  abandoned(): void {
    if (this.#state !== "half-open") return;
    this.#state = "open";
    this.#openedAt = this.#parts.clock.now();
  }

  #open(): void {
    const { clock, random } = this.#parts;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauses, MAX_PAUSE_MS);
    this.#pauses++;
    this.#pauseMs = Math.round(pauseMs * (1 - JITTER + 2 * JITTER * random()));
    this.#openedAt = clock.now();
    this.#state = "open";
    log.warn("{upstream} is left out for {ms} ms after {failures} failures in a row", {
      upstream: this.#upstream,
      ms: this.#pauseMs,
      failures: this.#failures,
    });
    this.#parts.onOpen?.(this.#failures, this.#pauseMs);
  }

  #close(): void {
    this.#state = "closed";
    this.#failures = 0;
    log.info("{upstream} answers again", { upstream: this.#upstream });
  }
}
