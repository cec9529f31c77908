import { isResumable } from "../decide/continuation.ts";
import { UpstreamError } from "../errors.ts";
import type { BodyHead } from "../types.ts";
import type { BodySource } from "./body_source.ts";
import type { Continued } from "./continue_body.ts";

/** Bytes before a break that the next mirror is asked for again, to compare them. */
export const OVERLAP_BYTES = 64 * 1024;

/** How often one body may be taken over: mirrors that give a byte each time would go on for ever. */
const MAX_TAKEOVERS = 100;

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

/** A body that goes on from another mirror when the one that gives it fails. */
export class ResumableBody implements Body {
  readonly #takeOver: TakeOver;
  readonly #size: number | null;
  readonly #isResumable: boolean;
  readonly #tail = new Tail();
  readonly #cancelled = new AbortController();
  #source: BodySource;
  #upstream: string;
  /** What came together with the overlap, to be handed out next. */
  #first: Uint8Array | null = null;
  #offset = 0;
  #takeovers = 0;

  constructor(source: BodySource, head: BodyHead, takeOver: TakeOver) {
    this.#source = source;
    this.#upstream = head.upstream;
    this.#takeOver = takeOver;
    this.#size = head.size;
    this.#isResumable = isResumable(head);
  }

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        const chunk = this.#takeFirst() ?? await this.#source.read();
        if (chunk === null) {
          this.#mustBeWhole();
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

  /** @throws {UpstreamError} The failure itself, when nobody goes on. */
  async #goOn(error: unknown): Promise<void> {
    const { signal } = this.#cancelled;
    if (!(error instanceof UpstreamError) || !this.#isResumable || signal.aborted) throw error;
    if (++this.#takeovers > MAX_TAKEOVERS) throw error;
    const at = { upstream: this.#upstream, failure: error, offset: this.#offset };
    const continued = await this.#takeOver({ ...at, tail: this.#tail.bytes() }, signal);
    if (continued === null) throw error;
    this.#source = continued.source;
    this.#upstream = continued.upstream;
    if (continued.first.byteLength > 0) this.#first = continued.first;
    if (!signal.aborted) return;
    continued.source.cancel();
    throw error;
  }
}

/** The last bytes of a body, as the chunks that they came in: nothing is copied until it breaks. */
class Tail {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    for (;;) {
      const oldest = this.#chunks[0]?.byteLength ?? 0;
      if (this.#chunks.length === 1 || this.#bytes - oldest < OVERLAP_BYTES) return;
      this.#bytes -= oldest;
      this.#chunks.shift();
    }
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#bytes);
    let used = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, used);
      used += chunk.byteLength;
    }
    return all.subarray(Math.max(0, used - OVERLAP_BYTES));
  }
}
