import { problemOf } from "../decide/trouble.ts";
import type { Clock, FailureReason } from "../types.ts";
import { Activity } from "./activity.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptTrack } from "./attempt_track.ts";
import { Breaker } from "./breaker.ts";
import { Counters, type UpstreamCounters } from "./counters.ts";
import { Scores } from "./scores.ts";

/** What the standings work with. */
export interface StandingsParts {
  readonly clock: Clock;
  /** From 0 up to but without 1. */
  readonly random: () => number;
}

/** What is known of each upstream: how good it is, whether it works, what became of its answers. */
export class Standings {
  readonly clock: Clock;
  readonly random: () => number;
  readonly scores: Scores = new Scores();
  /** What the upstreams are asked for now, and what came of it. */
  readonly activity: Activity;
  readonly #breakers = new Map<string, Breaker>();
  readonly #counters = new Map<string, Counters>();

  constructor({ clock, random }: StandingsParts) {
    this.clock = clock;
    this.random = random;
    this.activity = new Activity(clock);
  }

  breakerOf(upstream: string): Breaker {
    return getOrMake(this.#breakers, upstream, () => {
      const onOpen = (failures: number, pauseMs: number): void => {
        const reason = this.countersOf(upstream).lastFailure?.reason ?? null;
        const trouble = { kind: "breaker-opened", upstream, failures, pauseMs, reason } as const;
        this.activity.note(problemOf(trouble));
      };
      return new Breaker(upstream, { clock: this.clock, random: this.random, onOpen });
    });
  }

  countersOf(upstream: string): Counters {
    return getOrMake(this.#counters, upstream, () => new Counters());
  }

  /** One more question to an upstream; call it in the moment in which it is asked. */
  attempt(upstream: string, track: AttemptTrack | null = null): Attempt {
    return new Attempt(upstream, this, track);
  }

  /**
   * An upstream has given bytes that are not those published.
   *
   * @param isSure Whether it was this one: not where several have given parts of a file.
   */
  mismatched(upstream: string, reason: FailureReason, isSure: boolean): void {
    const counters = this.countersOf(upstream);
    counters.add("digestMismatches");
    counters.failure(reason, this.clock.now());
    if (!isSure) return;
    this.scores.observeFailure(upstream);
    this.breakerOf(upstream).distrust();
  }

  /** Of every upstream that was asked. Plain data, a copy. */
  snapshot(): Readonly<Record<string, UpstreamCounters>> {
    const entries = [...this.#counters].map(([upstream, counters]) =>
      [upstream, counters.snapshot(this.breakerOf(upstream))] as const
    );
    return Object.fromEntries(entries);
  }

  /** Forgets all upstreams but these. */
  retain(upstreams: ReadonlySet<string>): void {
    this.scores.retain(upstreams);
    for (const known of [this.#breakers, this.#counters]) {
      for (const upstream of known.keys()) if (!upstreams.has(upstream)) known.delete(upstream);
    }
  }
}

function getOrMake<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
