import { getLogger } from "@logtape/logtape";
import { Repeats } from "../decide/repeats.ts";
import { type Problem, problemOf } from "../decide/trouble.ts";
import type { Clock, Instant } from "../types.ts";
import type { Download, FillEvent, SeenProblem, Watch } from "./fill_event.ts";
import { FillTrack, type TrackFacts } from "./fill_track.ts";
import { Problems } from "./problems.ts";

const log = getLogger(["cache-proxy", "fill"]);

/**
 * What is under way in the filling plane and what just happened there. The one place that everybody
 * watches: the dashboard, traces, metrics. Without a listener no event is made; what is under way is
 * looked together when somebody asks.
 */
export class Activity implements Watch {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: FillEvent) => void>();
  readonly #underWay = new Set<FillTrack>();
  readonly #problems = new Problems();
  readonly #repeats = new Repeats();
  #lastId = 0;
  #joiners = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * From now on the listener is told of every event, in the turn in which it happens: it must be
   * quick. What it throws harms nobody; the log says so.
   *
   * @returns Ends that.
   */
  subscribe(listener: (event: FillEvent) => void): () => void {
    // One that is given twice is told twice.
    const own = (event: FillEvent): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Begins something; to be ended. As many as `fetch.max-fills` are under way at most. */
  begin(facts: TrackFacts): FillTrack {
    const track: FillTrack = new FillTrack(
      this,
      facts,
      (ended) => void this.#underWay.delete(ended),
      (by) => this.#joiners += by,
    );
    this.#underWay.add(track);
    return track;
  }

  /** Something was asked for, and no upstream was asked. */
  refused(facts: TrackFacts, reason: "too-many-fills" | "shutting-down"): void {
    const track = this.begin(facts);
    track.settle({ outcome: "refused", reason });
    track.end();
    if (reason !== "too-many-fills") return;
    this.note(problemOf({ kind: "too-many-fills", path: facts.path }));
  }

  /** The fills that are under way, the oldest first. */
  downloads(): readonly Download[] {
    const now = this.now();
    return [...this.#underWay]
      .filter(({ facts }) => facts.purpose === "fill")
      .map((track) => track.view(now));
  }

  /** Clients that wait for a download that others began, or read it. */
  get joiners(): number {
    return this.#joiners;
  }

  /** The newest first; at most 50. */
  problems(): readonly SeenProblem[] {
    return this.#problems.list();
  }

  now(): Instant {
    return this.#clock.now();
  }

  nextId(): number {
    return ++this.#lastId;
  }

  emit(make: () => FillEvent): void {
    if (this.#listeners.size === 0) return;
    const event = make();
    for (const listener of this.#listeners) this.#tell(listener, event);
  }

  note(problem: Problem | null): void {
    if (problem === null) return;
    const seen = this.#problems.note(problem, this.now());
    this.emit(() => ({ kind: "problem", problem: seen }));
  }

  #tell(listener: (event: FillEvent) => void, event: FillEvent): void {
    try {
      listener(event);
    } catch (error) {
      const untold = this.#repeats.tell("listener", this.now());
      if (untold === null) return;
      log.error("Cannot tell of {kind}, {untold} more before: {error}", {
        kind: event.kind,
        untold,
        error,
      });
    }
  }
}
