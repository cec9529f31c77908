import {
  isFastEnough,
  isWorthRepeating,
  SEGMENT_OVERLAP_BYTES,
  segmentBytes,
  type SegmentSizes,
  segmentSizes,
  timeLeftMs,
} from "../decide/segment_plan.ts";
import { UpstreamError } from "../errors.ts";
import type { Instant } from "../types.ts";
import { type SegmentedFile, SegmentFetch } from "./segment_fetch.ts";
import type { SegmentMirror } from "./segment_mirror.ts";

/** Mirrors that give segments of one file at once, one connection each; further ones stand by. */
const MAX_BUSY_MIRRORS = 6;

/** A part of the file that is fetched ahead. */
export interface Segment {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly running: Set<SegmentFetch>;
  whole: SegmentFetch | null;
}

/** What a window is told. */
export interface SegmentWindowOptions {
  readonly file: SegmentedFile;
  readonly mirrors: readonly SegmentMirror[];
  readonly size: number;
  readonly windowBytes: number;
  /** Called when a segment may have become ready to be joined, or has failed. */
  readonly onChange: () => void;
  readonly onFailure: (mirror: SegmentMirror, failure: UpstreamError) => void;
}

/** Where the reader is. */
export interface ReaderAt {
  /** Bytes that have been handed out. */
  readonly offset: number;
  /** Where the first segment starts, when there is none yet. */
  readonly begin: number;
  /** Joined bytes that have not been handed out. */
  readonly readyBytes: number;
  /** Whether the reader waits for the first segment. */
  readonly waits: boolean;
}

/**
 * The segments of a file that are fetched ahead, each after the other without a gap. Gives free
 * mirrors work, from the front of what is missing, and never holds more than the window.
 */
export class SegmentWindow {
  readonly sizes: SegmentSizes;
  /** Segments that were asked again elsewhere because they lagged. */
  repeated = 0;
  /** The most bytes that were held at once. */
  peakBytes = 0;
  readonly #options: SegmentWindowOptions;
  #segments: Segment[] = [];
  #readyBytes = 0;

  constructor(options: SegmentWindowOptions) {
    this.#options = options;
    this.sizes = segmentSizes(options.windowBytes);
  }

  get front(): Segment | null {
    return this.#segments[0] ?? null;
  }

  /** What follows the front, as far as it can be compared with it. */
  get afterFront(): SegmentFetch | null {
    const segment = this.#segments[1];
    return segment === undefined ? null : comparable(segment);
  }

  get isFetching(): boolean {
    return this.#segments.some(({ running }) => running.size > 0);
  }

  /** How many mirrors may be asked, now or later. */
  get usable(): number {
    return this.#options.mirrors.filter(({ isUsable }) => isUsable).length;
  }

  /** The fastest mirror that has nothing to do. */
  spare(now: Instant): SegmentMirror | null {
    return this.#free(now)[0] ?? null;
  }

  /** Gives work to all mirrors that are free and of use. */
  plan(at: ReaderAt): void {
    const now = this.#options.file.clock.now();
    this.#readyBytes = at.readyBytes;
    for (const mirror of this.#free(now)) {
      if (this.#options.mirrors.filter(({ isBusy }) => isBusy).length >= MAX_BUSY_MIRRORS) return;
      const segment = this.#missing() ?? this.#new(mirror, at) ?? this.#lagging(mirror, at, now);
      if (segment !== null) this.#start(mirror, segment);
    }
  }

  /** Gives up the front: somebody else has its bytes. */
  skipFront(): void {
    const front = this.#segments.shift();
    if (front !== undefined) this.#cancel(front, () => true);
  }

  /** Takes the front's bytes out; they must be whole. */
  takeFront(): readonly Uint8Array[] {
    const chunks = this.#segments.shift()?.whole?.chunks ?? [];
    for (const { byteLength } of chunks) this.#readyBytes += byteLength;
    return chunks;
  }

  /** Puts what somebody else was to give before the front. */
  prepend(start: number, end: number): void {
    const pieces: Segment[] = [];
    for (let at = start; at < end; at += this.sizes.max) {
      pieces.push(segmentOf(at, Math.min(end, at + this.sizes.max)));
    }
    this.#segments = [...pieces, ...this.#segments];
  }

  /** Nothing of a mirror is used any more. */
  drop(mirror: SegmentMirror): void {
    mirror.isDropped = true;
    for (const segment of this.#segments) this.#cancel(segment, (it) => it.mirror === mirror);
  }

  /** Gives up everything. */
  clear(): void {
    for (const segment of this.#segments) this.#cancel(segment, () => true);
    this.#segments = [];
  }

  #free(now: Instant): SegmentMirror[] {
    return this.#options.mirrors
      .filter((mirror) => mirror.isFree(now))
      .sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0));
  }

  /** Bytes that all segments hold when they are whole. */
  get #reservedBytes(): number {
    let bytes = this.#readyBytes;
    for (const fetch of this.#fetches()) bytes += fetch.wholeBytes;
    return bytes;
  }

  #hasRoom(bytes: number): boolean {
    return this.#reservedBytes + bytes <= this.#options.windowBytes;
  }

  /** What is missing in front of other segments: what failed, or was cut off. */
  #missing(): Segment | null {
    const segment = this.#segments.find(({ whole, running }) => whole === null && !running.size);
    if (segment === undefined) return null;
    return this.#hasRoom(segment.end - segment.start + SEGMENT_OVERLAP_BYTES) ? segment : null;
  }

  #new(mirror: SegmentMirror, at: ReaderAt): Segment | null {
    const { mirrors, size, windowBytes } = this.#options;
    const start = this.#segments.at(-1)?.end ?? at.begin;
    // One mirror alone sends the rest at a stretch.
    if (start >= size || this.usable < 2) return null;
    const others = mirrors.filter((it) => it !== mirror && it.isUsable);
    const othersRate = others.reduce((sum, { rate }) => sum + (rate ?? 0), 0);
    if (!isFastEnough(mirror.rate, othersRate, this.sizes, windowBytes)) return null;
    const bytes = segmentBytes(mirror.rate, this.sizes, size - start, others.length + 1);
    // Room is kept for what has to be asked again.
    const reserve = this.sizes.max + SEGMENT_OVERLAP_BYTES;
    if (start + bytes > at.offset + windowBytes - reserve) return null;
    if (!this.#hasRoom(bytes + SEGMENT_OVERLAP_BYTES + reserve)) return null;
    const segment = segmentOf(start, start + bytes);
    this.#segments.push(segment);
    return segment;
  }

  /** What the reader waits for, when this mirror is expected to have it sooner. */
  #lagging(mirror: SegmentMirror, at: ReaderAt, now: Instant): Segment | null {
    const segment = this.#segments.find(({ whole }) => whole === null);
    const [lagging, ...others] = segment?.running ?? [];
    if (!at.waits || segment === undefined || lagging === undefined || others.length > 0) {
      return null;
    }
    if (!isWorthRepeating(timeLeftMs(lagging.facts(now)), lagging.wholeBytes, mirror.rate)) {
      return null;
    }
    if (!this.#hasRoom(lagging.wholeBytes)) return null;
    this.repeated++;
    return segment;
  }

  #start(mirror: SegmentMirror, segment: Segment): void {
    const fetch = new SegmentFetch(mirror, segment.start, segment.end, this.#options.file);
    segment.running.add(fetch);
    mirror.isBusy = true;
    void this.#run(fetch, segment);
  }

  /** Never rejects. */
  async #run(fetch: SegmentFetch, segment: Segment): Promise<void> {
    try {
      await fetch.run(() => this.#noteBytes(segment));
      if (!this.#leave(fetch, segment)) return;
      fetch.mirror.succeeded();
      segment.whole = fetch;
      this.#endRepeats(segment);
    } catch (error) {
      if (!this.#leave(fetch, segment)) return;
      fetch.cancel();
      this.#options.onFailure(fetch.mirror, upstreamErrorOf(error));
    }
    this.#options.onChange();
  }

  /** The first to finish wins; one that was asked first and is not has lagged. */
  #endRepeats(segment: Segment): void {
    const now = this.#options.file.clock.now();
    for (const slower of [...segment.running]) {
      this.#giveUp(slower, segment);
      if (slower.askedAt < (segment.whole?.askedAt ?? 0)) slower.mirror.failed(now);
    }
  }

  #noteBytes(segment: Segment): void {
    let bytes = this.#readyBytes;
    for (const fetch of this.#fetches()) bytes += fetch.heldBytes;
    this.peakBytes = Math.max(this.peakBytes, bytes);
    // What follows the front is compared with it as soon as the two can be.
    if (segment === this.#segments[1]) this.#options.onChange();
  }

  #cancel(segment: Segment, which: (fetch: SegmentFetch) => boolean): void {
    for (const fetch of [...segment.running].filter(which)) this.#giveUp(fetch, segment);
    if (segment.whole === null || !which(segment.whole)) return;
    segment.whole.cancel();
    segment.whole = null;
  }

  #giveUp(fetch: SegmentFetch, segment: Segment): void {
    this.#leave(fetch, segment);
    fetch.cancel();
  }

  /** Whether the fetch was still wanted. Its mirror is then free, and has shown a rate. */
  #leave(fetch: SegmentFetch, segment: Segment): boolean {
    if (!segment.running.delete(fetch)) return false;
    const { received, elapsedMs } = fetch.facts(this.#options.file.clock.now());
    fetch.mirror.delivered(received, elapsedMs);
    fetch.mirror.isBusy = false;
    return true;
  }

  *#fetches(): Generator<SegmentFetch> {
    for (const { running, whole } of this.#segments) {
      yield* running;
      if (whole !== null) yield whole;
    }
  }
}

function segmentOf(start: number, end: number): Segment {
  return { start, end, running: new Set(), whole: null };
}

/** What is known of a segment's border to the one before it. */
function comparable({ whole, running }: Segment): SegmentFetch | null {
  return whole ?? [...running].find(({ overlap }) => overlap !== null) ?? null;
}

function upstreamErrorOf(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  // A fault of ours fails this fetch, but must not look like the mirror's.
  return new UpstreamError({ kind: "network", detail: `internal error: ${error}` });
}
