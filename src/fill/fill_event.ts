/**
 * What happens in the filling plane, for whoever watches it: operators, and traces. Events are plain
 * data and are told in the very turn in which they happen.
 *
 * @module
 */

import type { Problem } from "../decide/trouble.ts";
import type { AttemptFailure, FailureReason, Instant, Key } from "../types.ts";

/**
 * What an upstream is asked for. race: to give a body, or to say that a copy is still good;
 * takeover: the rest of a body that another one had begun; segment: a part of a file that several
 * give at once; range: a part far ahead of its fill; forward: a request with a method of its own.
 */
export type Role = "race" | "takeover" | "segment" | "range" | "forward";

/** fill: something for the cache; probe: a head alone; forward: a request that is passed through. */
export type Purpose = "fill" | "probe" | "forward";

/**
 * What came of it. stored: a new copy; validated: the stored copy is still good; passed: handed to
 * its one client past the disk; unstored: it all came, and was not kept; broken: it did not all come;
 * failed: no upstream gave any; refused: nobody was asked; answered: of a probe.
 */
export type FillOutcome =
  | "stored"
  | "validated"
  | "passed"
  | "unstored"
  | "broken"
  | "failed"
  | "refused"
  | "answered";

/** done: it gave what was wanted of it; lost: another one was first. */
export type AttemptOutcome = "done" | "lost" | "failed";

/** How far a question to an upstream is. won: it was chosen, and its body goes on. */
export type ContestantState = "asked" | "receiving" | "won" | AttemptOutcome;

/** One question to one upstream. A copy. */
export interface ContestantView {
  readonly attempt: number;
  readonly upstream: string;
  readonly role: Role;
  readonly state: ContestantState;
  /** Why it failed; null: it did not. */
  readonly reason: FailureReason | null;
  /** Until its head was there, in milliseconds; null: it is not. */
  readonly headMs: number | null;
  /** Of its body. */
  readonly bytes: number;
  /** In the last seconds; when it has ended, over all of its time. null: nothing to tell. */
  readonly bytesPerSecond: number | null;
}

/** One fill that is under way. A copy. */
export interface Download {
  readonly id: number;
  readonly path: Key;
  readonly startedAt: Instant;
  /** Bytes; null: unknown. */
  readonly size: number | null;
  /** Bytes that are in the file, or have been passed on. */
  readonly written: number;
  /** Clients beside the first that wait for it or read it. */
  readonly joiners: number;
  readonly state: "asking" | "filling" | "passing";
  /** Those that run, and of each other upstream the last. */
  readonly contestants: readonly ContestantView[];
}

/** What all events have. */
interface OfFill {
  /** Counts up from the start of the program. */
  readonly fill: number;
  readonly at: Instant;
}

/**
 * An event. Those of one fill come in order, with two exceptions: what is asked for as `range` may
 * begin and end when its fill has ended, and the answer that has won a race ends after the race.
 */
export type FillEvent =
  | OfFill & {
    readonly kind: "fill-started";
    readonly path: Key;
    readonly purpose: Purpose;
    /** Of the requests to upstreams. */
    readonly method: string;
  }
  | OfFill & { readonly kind: "race-started"; readonly race: number; readonly role: Role }
  | OfFill & {
    readonly kind: "attempt-started";
    readonly attempt: number;
    /** The race that it is part of; null: of none. */
    readonly race: number | null;
    readonly upstream: string;
    readonly role: Role;
    /** As it was asked for at first. The config lets no name and password into it. */
    readonly url: string;
  }
  | OfFill & {
    readonly kind: "attempt-head";
    readonly attempt: number;
    /** null: unknown. */
    readonly status: number | null;
    readonly ms: number;
  }
  | OfFill & {
    readonly kind: "attempt-ended";
    readonly attempt: number;
    readonly outcome: AttemptOutcome;
    readonly reason: FailureReason | null;
    readonly bytes: number;
  }
  | OfFill & {
    readonly kind: "race-ended";
    readonly path: Key;
    readonly race: number;
    readonly role: Role;
    /** null: nobody. */
    readonly winner: { readonly attempt: number; readonly upstream: string } | null;
    /** All that took part, in the order in which they were asked. */
    readonly contestants: readonly ContestantView[];
  }
  | OfFill & FillResult & {
    readonly kind: "fill-ended";
    readonly path: Key;
    readonly purpose: Purpose;
    readonly ms: number;
  }
  | { readonly kind: "problem"; readonly problem: SeenProblem };

/** How something has ended. */
export interface FillResult {
  readonly outcome: FillOutcome;
  readonly bytes: number;
  /** Who gave it, or vouched for what is stored; null: nobody. */
  readonly upstream: string | null;
  /** In a few words; null: nothing to say. */
  readonly reason: string | null;
  /** Of those that were asked first; empty when one of them delivered. */
  readonly failures: readonly AttemptFailure[];
}

/** A problem, and how often it was seen. */
export interface SeenProblem extends Problem {
  /** The last time. */
  readonly at: Instant;
  readonly count: number;
}

/** Where those report to that do the work. */
export interface Watch {
  now(): Instant;
  nextId(): number;
  /** The event is made only when somebody listens. */
  emit(make: () => FillEvent): void;
  /** For what concerns operators; null is nothing. */
  note(problem: Problem | null): void;
}
