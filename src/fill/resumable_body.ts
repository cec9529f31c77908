import { isResumable } from "../decide/continuation.ts";
import { UpstreamError } from "../errors.ts";
import type { BodyHead } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import type { Continued } from "./continue_body.ts";
import { type PaceRules, PaceWatch } from "./pace_watch.ts";
import { Tail } from "./tail.ts";

/** Bytes before a break that the next mirror is asked for again, to compare them. */
export const OVERLAP_BYTES = 64 * 1024;

/** How often one body may be taken over: mirrors that give a byte each time would go on for ever. */
export const MAX_TAKEOVERS = 100;

/** What fills read from: an upstream's body, or one that several upstreams give in turn. */
export interface Body {
  /** The next bytes, never empty; null at the honest end. One read at a time. */
  read(): Promise<Uint8Array | null>;
  /** Gives the body up and its connection with it. */
  cancel(): void;
}

/** Where and why a body broke off. */
export interface Break {
  /** Who broke off. */
  readonly upstream: string;
  readonly failure: UpstreamError;
  /** Bytes that have been handed out. */
  readonly offset: number;
  /** The last of them, at most `OVERLAP_BYTES`. */
  readonly tail: Uint8Array;
}

/** Finds an upstream that goes on with the body; null when there is none. */
export type TakeOver = (at: Break, signal: AbortSignal) => Promise<Continued | null>;

/**
 * A body that goes on from another mirror when the one that gives it fails. One that is merely slow
 * is kept until another one has taken over.
 */
export class ResumableBody implements Body {
  readonly #takeOver: TakeOver;
  readonly #size: number | null;
  readonly #isResumable: boolean;
  readonly #tail = new Tail(OVERLAP_BYTES);
  readonly #cancelled = new AbortController();
  readonly #pace: PaceRules | null;
  #watch: PaceWatch | null = null;
  /** Why the source of now is too slow; null: it is not. */
  #slow: UpstreamError | null = null;
  /** Wakes who waits for the source of now. */
  #onSlow: (() => void) | null = null;
  /** What the source was asked for and nobody has taken yet. */
  #reading: Promise<Uint8Array | null> | null = null;
  #source: BodySource;
  #upstream: string;
  /** What came together with the overlap, to be handed out next. */
  #first: Uint8Array | null = null;
  #offset = 0;
  #takeovers = 0;

  /**
   * @param pace When the source is too slow; null: it never is.
   * @param first Bytes of the body that were read from the source before.
   */
  constructor(
    source: BodySource,
    head: BodyHead,
    takeOver: TakeOver,
    pace: PaceRules | null = null,
    first: Uint8Array = new Uint8Array(),
  ) {
    if (first.byteLength > 0) this.#first = first;
    this.#source = source;
    this.#upstream = head.upstream;
    this.#takeOver = takeOver;
    this.#size = head.size;
    this.#isResumable = isResumable(head);
    this.#pace = this.#isResumable ? pace : null;
    this.#watchPace();
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        const chunk = this.#takeFirst() ?? await this.#readSource();
        if (chunk === null) {
          this.#mustBeWhole();
          this.#watch?.stop();
          return null;
        }
        this.#offset += chunk.byteLength;
        if (this.#isResumable) this.#tail.push(chunk);
        return chunk;
      } catch (error) {
        await this.#goOn(error);
      }
    }
  }

  cancel(): void {
    this.#cancelled.abort();
    this.#watch?.stop();
    this.#source.cancel();
  }

  /** A mirror may give a part that ends before the whole does. */
  #mustBeWhole(): void {
    if (this.#size === null || this.#offset === this.#size) return;
    throw new UpstreamError({
      kind: "short-body",
      received: this.#offset,
      declared: this.#size,
    });
  }

  #takeFirst(): Uint8Array | null {
    const first = this.#first;
    this.#first = null;
    return first;
  }

  async #readSource(): Promise<Uint8Array | null> {
    if (this.#pace === null) return await this.#source.read();
    for (;;) {
      const reading = this.#reading ??= this.#source.read();
      // Whoever is left is not listened to any more.
      reading.catch(() => {});
      if (this.#slow === null) await this.#settledOrSlow(reading);
      if (this.#slow === null) {
        this.#reading = null;
        return await reading;
      }
      const slow = this.#slow;
      this.#slow = null;
      if (!await this.#leave(slow)) continue;
      const first = this.#takeFirst();
      if (first !== null) return first;
    }
  }

  async #settledOrSlow(reading: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onSlow = resolve;
    reading.then(() => resolve(), () => resolve());
    await promise;
    this.#onSlow = null;
  }

  #watchPace(): void {
    if (this.#pace === null || this.#cancelled.signal.aborted) return;
    this.#watch = new PaceWatch(this.#source, this.#upstream, this.#pace, (failure) => {
      this.#slow = failure;
      this.#onSlow?.();
    });
  }

  /** Goes on from a faster upstream; false when there is none, and all stays as it is. */
  async #leave(slow: UpstreamError): Promise<boolean> {
    const old = this.#source;
    try {
      await this.#goOn(slow);
    } catch (error) {
      if (error !== slow) throw error;
      this.#watchPace();
      return false;
    }
    this.#reading = null;
    old.cancel(slow);
    return true;
  }

  /** @throws {UpstreamError} The failure itself, when nobody goes on. */
  async #goOn(error: unknown): Promise<void> {
    this.#watch?.stop();
    const { signal } = this.#cancelled;
    if (!(error instanceof UpstreamError) || !this.#isResumable || signal.aborted) throw error;
    if (++this.#takeovers > MAX_TAKEOVERS) throw error;
    const at = { upstream: this.#upstream, failure: error, offset: this.#offset };
    const continued = await this.#takeOver({ ...at, tail: this.#tail.bytes() }, signal);
    if (continued === null) throw error;
    this.#source = continued.source;
    this.#upstream = continued.upstream;
    if (continued.first.byteLength > 0) this.#first = continued.first;
    this.#reading = null;
    this.#slow = null;
    this.#watchPace();
    if (!signal.aborted) return;
    continued.source.cancel();
    throw error;
  }
}
