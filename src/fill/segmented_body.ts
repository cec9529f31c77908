import { getLogger } from "@logtape/logtape";
import { describeFailure } from "../decide/failure.ts";
import { isWorthRepeating, SEGMENT_OVERLAP_BYTES, timeLeftMs } from "../decide/segment_plan.ts";
import { UpstreamError } from "../errors.ts";
import type { BodyHead, Clock, Key } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import type { Continued } from "./continue_body.ts";
import { Lane } from "./lane.ts";
import type { PaceRules } from "./pace_watch.ts";
import { type Body, type Break, MAX_TAKEOVERS, OVERLAP_BYTES } from "./resumable_body.ts";
import type { SegmentFetch } from "./segment_fetch.ts";
import { isForGood, type SegmentMirror } from "./segment_mirror.ts";
import { SegmentWindow } from "./segment_window.ts";
import { lastBytes, Tail } from "./tail.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** How often a reader that waits has somebody look for mirrors that lag, in milliseconds. */
const LAG_CHECK_MS = 200;

/** A file that several mirrors give. */
export interface SegmentedBodyOptions {
  readonly key: Key;
  /** Of the mirror that won the race; its size is known. */
  readonly head: BodyHead;
  readonly size: number;
  /** Those that may give segments, the winner among them. */
  readonly mirrors: readonly SegmentMirror[];
  /** Bound on what is fetched ahead and not handed out. */
  readonly windowBytes: number;
  /** Bytes of the winner that may be in memory already. */
  readonly firstChunkBytes: number;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  /** When a response that is passed on is too slow. */
  readonly pace: PaceRules;
  /** Finds an upstream that goes on when no segment comes any more; the unfit are not asked. */
  readonly takeOver: (
    at: Break,
    unfit: ReadonlySet<string>,
    signal: AbortSignal,
  ) => Promise<Continued | null>;
}

/** How a file came about. */
export interface SegmentStats {
  /** Bytes handed out, by the name of the mirror that gave them. */
  readonly bytesBy: ReadonlyMap<string, number>;
  /** Mirrors that were dropped because they have something else. */
  readonly differing: number;
  /** Segments that lagged and were asked again elsewhere. */
  readonly repeated: number;
  /** The most bytes that were fetched ahead at one time. */
  readonly peakBytes: number;
}

interface Given {
  readonly upstream: string;
  readonly chunk: Uint8Array;
}

/**
 * A body that several mirrors give at once. The reader gets the winner's response from its first
 * byte on, while others fetch later segments; where the response meets them it is ended, and its
 * mirror fetches segments too.
 *
 * A segment is joined only when its overlaps agree with what is before and behind it. The winner is
 * believed: where two others differ, neither is.
 */
export class SegmentedBody implements Body {
  readonly #options: SegmentedBodyOptions;
  readonly #window: SegmentWindow;
  readonly #tail = new Tail(OVERLAP_BYTES);
  readonly #cancelled = new AbortController();
  readonly #bytesBy = new Map<string, number>();
  #lane: Lane | null;
  /** Joined and not handed out. */
  #ready: Given[] = [];
  #readyBytes = 0;
  #offset = 0;
  #takeovers = 0;
  #differing = 0;
  #waits = false;
  #isTakenOver = false;
  #change: PromiseWithResolvers<void> | null = null;
  #cancelCheck: (() => void) | null = null;
  #failure: UpstreamError | null = null;
  #lastBreak: { readonly upstream: string; readonly failure: UpstreamError };

  constructor(won: BodySource, options: SegmentedBodyOptions) {
    const { head, mirrors, size, windowBytes, firstChunkBytes, clock, stallTimeoutMs } = options;
    this.#options = options;
    this.#window = new SegmentWindow({
      file: { head, stallTimeoutMs, clock },
      mirrors,
      size,
      windowBytes,
      onChange: () => this.#wake(),
      onFailure: (mirror, failure) => this.#mirrorFailed(mirror, failure),
    });
    this.#lane = this.#laneOf(head.upstream, won, null, firstChunkBytes);
    const failure = new UpstreamError({ kind: "differs", detail: "no mirror has the rest" });
    this.#lastBreak = { upstream: head.upstream, failure };
  }

  get stats(): SegmentStats {
    const { repeated, peakBytes } = this.#window;
    return { bytesBy: this.#bytesBy, differing: this.#differing, repeated, peakBytes };
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure;
      const next = this.#takeReady() ?? await this.#readLane();
      if (this.#failure !== null) throw this.#failure;
      if (next !== null) return this.#handOut(next);
      if (this.#lane !== null) continue;
      if (this.#offset === this.#options.size) return this.#end();
      if (!this.#join()) await this.#wait();
    }
  }

  cancel(): void {
    this.#break(new UpstreamError({ kind: "aborted" }));
  }

  #laneOf(upstream: string, source: BodySource, first: Uint8Array | null, atLeast = 0): Lane {
    const { mirrors, size } = this.#options;
    const lane: Lane = new Lane({
      ...this.#options,
      upstream,
      mirror: mirrors.find(({ name }) => name === upstream) ?? null,
      source,
      first,
      end: Math.min(size, this.#offset + atLeast + this.#window.sizes.max),
      // Whoever goes on, this one is asked again when nobody else does.
      onSlow: (slow) => {
        if (this.#lane === lane && this.#failure === null) this.#laneFailed(lane, slow);
      },
    });
    return lane;
  }

  #takeReady(): Given | null {
    const next = this.#ready.shift() ?? null;
    this.#readyBytes -= next?.chunk.byteLength ?? 0;
    return next;
  }

  #handOut({ upstream, chunk }: Given): Uint8Array {
    this.#offset += chunk.byteLength;
    this.#tail.push(chunk);
    this.#bytesBy.set(upstream, (this.#bytesBy.get(upstream) ?? 0) + chunk.byteLength);
    // Only now, so that the first bytes wait for nothing.
    this.#plan(false);
    return chunk;
  }

  #end(): null {
    this.#stop();
    log.debug("{key} came in segments: {stats}", { key: this.#options.key, stats: this.stats });
    return null;
  }

  #break(failure: UpstreamError): void {
    if (this.#failure !== null) return;
    this.#failure = failure;
    this.#cancelled.abort();
    this.#lane?.cancel();
    this.#stop();
    this.#wake();
  }

  #stop(): void {
    this.#window.clear();
    this.#cancelCheck?.();
    this.#cancelCheck = null;
  }

  /** The next bytes of the response that is passed on; null when there is none, or it has ended. */
  async #readLane(): Promise<Given | null> {
    const lane = this.#lane;
    if (lane === null) return null;
    if (this.#offset === lane.end && lane.end < this.#options.size && !this.#prolong(lane)) {
      this.#endLane(lane);
      return null;
    }
    this.#watch();
    try {
      const chunk = await lane.read(this.#offset);
      if (this.#lane !== lane) return null;
      if (chunk !== null) return { upstream: lane.upstream, chunk };
      this.#laneEnded(lane);
      return null;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      if (this.#lane === lane && this.#failure === null) this.#laneFailed(lane, error);
      return null;
    }
  }

  /**
   * Whether the response goes on past the start of the first segment: nobody has begun with it, or
   * the response is expected to bring it sooner, or is fast enough alone.
   */
  #prolong(lane: Lane): boolean {
    const { size, clock } = this.#options;
    const { front } = this.#window;
    if (front === null) {
      lane.end = Math.min(size, lane.end + this.#window.sizes.max);
      return true;
    }
    const fetch = front.whole ?? [...front.running].find(({ overlap }) => overlap !== null) ?? null;
    if (fetch !== null && !this.#follows(fetch)) {
      return this.#failure === null && this.#prolong(lane);
    }
    if (fetch !== null && !lane.isEnough) {
      const laneMs = lane.expectedMs(front.end - front.start);
      if (timeLeftMs(fetch.facts(clock.now())) <= laneMs) return false;
    }
    this.#window.skipFront();
    lane.end = front.end;
    return true;
  }

  #endLane(lane: Lane): void {
    this.#lane = null;
    lane.cancel();
  }

  /** The response says that this was all. */
  #laneEnded(lane: Lane): void {
    const { size } = this.#options;
    if (this.#offset === size) {
      this.#lane = null;
      lane.leave();
      return;
    }
    const reason = { kind: "short-body", received: this.#offset, declared: size } as const;
    this.#laneFailed(lane, new UpstreamError(reason));
  }

  #laneFailed(lane: Lane, failure: UpstreamError): void {
    if (this.#offset === this.#options.size) return this.#break(failure);
    this.#endLane(lane);
    this.#window.prepend(this.#offset, lane.end);
    if (lane.mirror === null) this.#lastBreak = { upstream: lane.upstream, failure };
    else this.#mirrorFailed(lane.mirror, failure);
  }

  #mirrorFailed(mirror: SegmentMirror, failure: UpstreamError): void {
    this.#lastBreak = { upstream: mirror.name, failure };
    const { reason } = failure;
    const { key, clock } = this.#options;
    log.warn("{upstream} failed for a segment of {key}: {reason}", {
      upstream: mirror.name,
      key,
      reason: describeFailure(reason),
    });
    if (isForGood(reason)) this.#drop(mirror, reason.kind === "differs");
    else mirror.failed(clock.now());
  }

  #drop(mirror: SegmentMirror, differs: boolean): void {
    if (mirror.isDropped) return;
    if (differs) this.#differing++;
    this.#window.drop(mirror);
  }

  /** Joins the first segment to what has been handed out. Whether to look again. */
  #join(): boolean {
    const fetch = this.#window.front?.whole ?? null;
    if (fetch === null) return false;
    if (!this.#follows(fetch)) return true;
    if (fetch.end < this.#options.size) {
      const next = this.#window.afterFront;
      // With another mirror left, what it has behind the segment is waited for.
      if (next === null && this.#window.usable > 1) return false;
      if (next !== null && !this.#isFollowed(fetch, next)) return true;
    }
    const upstream = fetch.mirror.name;
    for (const chunk of this.#window.takeFront()) {
      this.#ready.push({ upstream, chunk });
      this.#readyBytes += chunk.byteLength;
    }
    return true;
  }

  /** Whether a segment agrees with what was handed out before it; else its mirror is dropped. */
  #follows({ mirror, overlap }: SegmentFetch): boolean {
    if (overlap !== null && isSame(overlap, this.#tail.bytes(overlap.byteLength))) return true;
    const { upstream } = this.#options.head;
    this.#tellDiffering(mirror, this.#offset);
    const others = [...this.#bytesBy.keys()].some((name) => name !== upstream);
    if (mirror.name !== upstream || !others) this.#drop(mirror, true);
    // What was handed out is then not one file.
    else this.#break(this.#lastBreak.failure);
    return false;
  }

  /** Whether a segment agrees with the one behind it; else at least one of the two is dropped. */
  #isFollowed(fetch: SegmentFetch, next: SegmentFetch): boolean {
    const overlap = next.overlap ?? new Uint8Array();
    const before = this.#tail.bytes(SEGMENT_OVERLAP_BYTES);
    if (isSame(overlap, lastBytes([before, ...fetch.chunks], overlap.byteLength))) return true;
    const believed = this.#options.head.upstream;
    for (const mirror of new Set([fetch.mirror, next.mirror])) {
      if (mirror.name === believed && fetch.mirror !== next.mirror) continue;
      this.#tellDiffering(mirror, fetch.end);
      this.#drop(mirror, true);
    }
    return false;
  }

  #tellDiffering(mirror: SegmentMirror, offset: number): void {
    const detail = `other bytes before byte ${offset}`;
    this.#lastBreak = {
      upstream: mirror.name,
      failure: new UpstreamError({ kind: "differs", detail }),
    };
    mirror.differs(detail);
    log.warn("{upstream} is left out of {key}: {detail}", {
      upstream: mirror.name,
      key: this.#options.key,
      detail,
    });
  }

  async #wait(): Promise<void> {
    this.#change = Promise.withResolvers();
    const { promise } = this.#change;
    this.#waits = true;
    this.#plan(true);
    if (this.#window.isFetching) {
      this.#watch();
      await promise;
    } else if (this.#failure === null) {
      await this.#goOn();
    }
    this.#waits = false;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#plan(this.#waits);
  }

  #plan(waits: boolean): void {
    if (this.#failure !== null || this.#isTakenOver) return;
    if (this.#offset === this.#options.size) return;
    if (this.#lane?.isEnough) return;
    const offset = this.#offset;
    const begin = this.#lane?.end ?? offset + this.#readyBytes;
    this.#window.plan({ offset, begin, readyBytes: this.#readyBytes, waits });
  }

  /** Looks for what lags, now and then, as long as the reader waits. */
  #watch(): void {
    this.#cancelCheck ??= this.#options.clock.after(LAG_CHECK_MS, () => {
      this.#cancelCheck = null;
      if (this.#failure !== null || !(this.#waits || this.#lane?.isAwaited)) return;
      this.#plan(this.#waits);
      this.#cutLane();
      this.#watch();
    });
  }

  /** Ends the response that the reader waits for when a mirror without work has the bytes sooner. */
  #cutLane(): void {
    const lane = this.#lane;
    if (lane === null || !lane.isAwaited) return;
    const spare = this.#window.spare(this.#options.clock.now());
    const facts = lane.facts(this.#offset);
    if (spare === null || !isWorthRepeating(timeLeftMs(facts), facts.remaining, spare.rate)) return;
    const afterMs = Math.round(facts.silentMs);
    this.#laneFailed(lane, new UpstreamError({ kind: "stalled", afterMs }));
  }

  /**
   * No segment comes any more: from here on an upstream gives the rest as it would after any break,
   * and those that had failed are tried again for what is behind.
   *
   * @throws {UpstreamError} When nobody goes on.
   */
  async #goOn(): Promise<void> {
    const { mirrors, takeOver } = this.#options;
    this.#window.clear();
    const { upstream } = this.#lastBreak;
    // A slow one has been given up like any other, and no longer goes on by itself.
    const failure = this.#lastBreak.failure.reason.kind === "slow"
      ? new UpstreamError({ kind: "stalled", afterMs: this.#options.stallTimeoutMs })
      : this.#lastBreak.failure;
    const unfit = new Set(mirrors.filter(({ isDropped }) => isDropped).map(({ name }) => name));
    const at = { upstream, failure, offset: this.#offset, tail: this.#tail.bytes() };
    const { signal } = this.#cancelled;
    this.#isTakenOver = true;
    const continued = ++this.#takeovers > MAX_TAKEOVERS ? null : await takeOver(at, unfit, signal);
    this.#isTakenOver = false;
    if (continued === null) return this.#break(failure);
    if (signal.aborted) return continued.source.cancel();
    for (const mirror of mirrors) mirror.forgive();
    const first = continued.first.byteLength > 0 ? continued.first : null;
    this.#lane = this.#laneOf(continued.upstream, continued.source, first);
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
}
