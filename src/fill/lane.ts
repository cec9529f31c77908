import type { TransferFacts } from "../decide/segment_plan.ts";
import type { UpstreamError } from "../errors.ts";
import type { Clock, Instant } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import { type PaceRules, PaceWatch } from "./pace_watch.ts";
import type { SegmentMirror } from "./segment_mirror.ts";

/**
 * A response that comes so fast, in bytes per millisecond (250 MB/s), is not what a download waits
 * for: others beside it would only take the processor's time.
 */
const ENOUGH_BYTES_PER_MS = 250_000;

/** Where a response comes from, and how far it is read. */
export interface LaneOptions {
  readonly upstream: string;
  /** null: it gives no segments. */
  readonly mirror: SegmentMirror | null;
  readonly source: BodySource;
  /** What was read from it before; null: nothing. */
  readonly first: Uint8Array | null;
  readonly end: number;
  readonly clock: Clock;
  readonly pace: PaceRules;
  /** Called at most once, when it comes too slowly. */
  readonly onSlow: (failure: UpstreamError) => void;
}

/** The one response that is passed on as it comes in: the winner's, and one that takes over. */
export class Lane {
  readonly upstream: string;
  readonly mirror: SegmentMirror | null;
  /** Up to here it is read in any case, exclusive; segments start there. */
  end: number;
  readonly #source: BodySource;
  readonly #clock: Clock;
  readonly #watch: PaceWatch;
  /** What was read and not given. */
  #next: Uint8Array | null;
  #received = 0;
  /** Time that the reader has waited, in milliseconds, the wait of the moment left out. */
  #waitedMs = 0;
  #waitsSince: Instant | null = null;

  constructor({ upstream, mirror, source, first, end, clock, pace, onSlow }: LaneOptions) {
    this.upstream = upstream;
    this.mirror = mirror;
    this.end = end;
    this.#source = source;
    this.#clock = clock;
    this.#next = first;
    this.#watch = new PaceWatch(source, upstream, pace, onSlow);
    if (mirror !== null) mirror.isBusy = true;
  }

  /** Whether somebody waits for its next bytes. */
  get isAwaited(): boolean {
    return this.#waitsSince !== null;
  }

  /** Whether it alone is as fast as anybody needs. */
  get isEnough(): boolean {
    return this.#waitedMs > 0 && this.#received > this.#waitedMs * ENOUGH_BYTES_PER_MS;
  }

  /** How long it is expected to take for so many bytes, in milliseconds. */
  expectedMs(bytes: number): number {
    return bytes * this.#waitedMs / Math.max(1, this.#received);
  }

  /** How far it is on the way to its end. */
  facts(offset: number): TransferFacts {
    const since = this.#waitsSince;
    const silentMs = since === null ? 0 : this.#clock.now() - since;
    const elapsedMs = this.#waitedMs + silentMs;
    return { received: this.#received, remaining: this.end - offset, elapsedMs, silentMs };
  }

  /** The next bytes, at most as many as there are from the offset to the end; null: no more. */
  async read(offset: number): Promise<Uint8Array | null> {
    const chunk = this.#next ?? await this.#wait();
    const room = this.end - offset;
    this.#next = chunk !== null && chunk.byteLength > room ? chunk.subarray(room) : null;
    return chunk?.subarray(0, room) ?? null;
  }

  /** It is not read any more. Its mirror is free, and has shown a rate. */
  leave(): void {
    this.#watch.stop();
    if (this.mirror === null) return;
    this.mirror.isBusy = false;
    this.mirror.delivered(this.#received, this.#waitedMs);
  }

  /** Gives it up and its connection with it. */
  cancel(): void {
    this.#source.cancel();
    this.leave();
  }

  async #wait(): Promise<Uint8Array | null> {
    const since = this.#clock.now();
    this.#waitsSince = since;
    try {
      const chunk = await this.#source.read();
      this.#received += chunk?.byteLength ?? 0;
      return chunk;
    } finally {
      this.#waitsSince = null;
      this.#waitedMs += Math.max(0, this.#clock.now() - since);
    }
  }
}
