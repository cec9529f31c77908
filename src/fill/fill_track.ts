import { problemOf } from "../decide/trouble.ts";
import type { BodyHead, FailureReason, Instant, Key } from "../types.ts";
import { AttemptTrack } from "./attempt_track.ts";
import type { Progress } from "./fill.ts";
import type { ContestantView, Download, FillResult, Purpose, Role, Watch } from "./fill_event.ts";
import { RaceTrack } from "./race_track.ts";

/** What somebody is asked for. */
export interface TrackFacts {
  readonly path: Key;
  readonly purpose: Purpose;
  readonly method: string;
}

/** One fill, or another piece of work with upstreams, as those see it who watch. */
export class FillTrack {
  readonly id: number;
  readonly facts: TrackFacts;
  readonly #watch: Watch;
  readonly #onEnd: (track: FillTrack) => void;
  readonly #countJoiner: (by: 1 | -1) => void;
  readonly #startedAt: Instant;
  readonly #running = new Set<AttemptTrack>();
  /** Those that have ended; as many as there are upstreams. */
  readonly #last = new Map<string, AttemptTrack>();
  #state: Download["state"] = "asking";
  #size: number | null = null;
  #progress: Pick<Progress, "written"> | null = null;
  #passed = 0;
  #joiners = 0;
  #result: FillResult | null = null;
  #hasEnded = false;

  /**
   * @param onEnd Called once.
   * @param countJoiner Told of each that comes and goes.
   */
  constructor(
    watch: Watch,
    facts: TrackFacts,
    onEnd: (track: FillTrack) => void,
    countJoiner: (by: 1 | -1) => void,
  ) {
    this.id = watch.nextId();
    this.facts = facts;
    this.#watch = watch;
    this.#onEnd = onEnd;
    this.#countJoiner = countJoiner;
    this.#startedAt = watch.now();
    const at = this.#startedAt;
    watch.emit(() => ({ kind: "fill-started", fill: this.id, at, ...facts }));
  }

  /** A race begins. */
  race(role: Role): RaceTrack {
    return new RaceTrack(this.#watch, this, role);
  }

  /** An upstream is asked. */
  attempt(
    upstream: string,
    role: Role,
    url: string,
    race: number | null = null,
  ): AttemptTrack {
    const facts = { fill: this.id, race, upstream, role, url };
    const track = new AttemptTrack(this.#watch, facts, (ended, reason) => {
      this.#running.delete(ended);
      this.#last.set(upstream, ended);
      if (reason?.kind === "differs") this.differs(upstream, reason.detail);
    });
    this.#running.add(track);
    return track;
  }

  /** A mirror has something else than the one that began. */
  differs(upstream: string, detail: string): void {
    const { path } = this.facts;
    this.#watch.note(problemOf({ kind: "mirror-differs", path, upstream, detail }));
  }

  /** A mirror has given bytes that are not those published. */
  corrupt(upstream: string, reason: FailureReason): void {
    const { path } = this.facts;
    this.#watch.note(problemOf({ kind: "corrupt", path, upstream, reason }));
  }

  /** Those whose bytes are in what was taken. */
  get givers(): ReadonlySet<string> {
    const all = [...this.#running, ...this.#last.values()];
    return new Set(all.filter(({ hasWon }) => hasWon).map(({ upstream }) => upstream));
  }

  /** The body is on its way into the cache. */
  filling({ size }: BodyHead, progress: Pick<Progress, "written">): void {
    this.#state = "filling";
    this.#size = size;
    this.#progress = progress;
  }

  /** The body is on its way past the disk; what it has got so far goes with it. */
  passing({ size }: BodyHead): void {
    this.#state = "passing";
    this.#size = size;
  }

  /** So many bytes more went past the disk. */
  passed(bytes: number): void {
    this.#passed += bytes;
  }

  /** Bytes that are in the file, or have been passed on. */
  get written(): number {
    return (this.#progress?.written ?? 0) + this.#passed;
  }

  /** One more client waits for it or reads it. Returns what to call, once, when it does not. */
  joined(): () => void {
    this.#joiners++;
    this.#countJoiner(1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#joiners--;
      this.#countJoiner(-1);
    };
  }

  /** How it ends; the first word stands. Told when it does. */
  settle(result: Pick<FillResult, "outcome"> & Partial<FillResult>): void {
    const { written: bytes } = this;
    this.#result ??= { bytes, upstream: null, reason: null, failures: [], ...result };
  }

  /** Nothing of it is left. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
    const at = this.#watch.now();
    const { id: fill, facts: { path, purpose } } = this;
    const ms = at - this.#startedAt;
    this.settle({ outcome: "broken", reason: "internal error" });
    const result = this.#result as FillResult;
    this.#watch.emit(() => ({ kind: "fill-ended", fill, at, path, purpose, ms, ...result }));
    const { failures } = result;
    if (result.outcome === "failed") {
      this.#watch.note(problemOf({ kind: "fill-failed", path, failures }));
    }
    const [broke] = failures;
    if (result.outcome === "broken" && broke !== undefined) {
      this.#watch.note(problemOf({ kind: "fill-broken", path, ...broke, bytes: result.bytes }));
    }
  }

  view(now: Instant): Download {
    return {
      id: this.id,
      path: this.facts.path,
      startedAt: this.#startedAt,
      size: this.#size,
      written: this.written,
      joiners: this.#joiners,
      state: this.#state,
      contestants: this.#contestants(now),
    };
  }

  #contestants(now: Instant): ContestantView[] {
    const busy = new Set([...this.#running].map(({ upstream }) => upstream));
    const idle = [...this.#last.values()].filter(({ upstream }) => !busy.has(upstream));
    return [...this.#running, ...idle].sort((a, b) => a.id - b.id).map((it) => {
      const view = it.view(now);
      // One segment follows the other: until the new one shows a rate, that of the last one counts.
      const last = this.#last.get(it.upstream)?.view(now).bytesPerSecond ?? null;
      return { ...view, bytesPerSecond: view.bytesPerSecond ?? last };
    });
  }
}
