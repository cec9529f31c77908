import { UpstreamError } from "../errors.ts";
import type { Clock } from "../types.ts";
import type { AnswerBody } from "./answer_body.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { networkDetail } from "./network_detail.ts";
import type { PieceBuffers } from "./piece_buffers.ts";
import { afterShared } from "./shared_timeout.ts";

/** Learns from a body that comes in. */
export interface BodyObserver {
  /** There is a body. */
  body(): void;
  received(bytes: number): void;
  /** Once. null: it has come to its honest end. Milliseconds were spent waiting for the upstream. */
  bodyEnded(failure: UpstreamError | null, waitedMs: number): void;
}

/** What a body must live up to. */
export interface BodyRules {
  /** Declared length in bytes; null: the end is wherever the framing puts it. */
  readonly declared: number | null;
  /** How long one read may take, in milliseconds. There is no limit on the whole. */
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
  /** Of the request that the body belongs to: when it is aborted, reads fail with its reason. */
  readonly controller: AbortController;
  readonly observer?: BodyObserver;
}

/**
 * An upstream's body that keeps its promises: a read gives bytes, the honest end, or an
 * `UpstreamError`. A body that is shorter or longer than declared never ends well, nor does one that
 * was given up; who reads on after the end or a failure gets the same again.
 *
 * Only time spent waiting for the upstream counts as a stall; a reader that takes a pause does not.
 */
export class BodySource {
  readonly #reader: AnswerBody | null;
  readonly #rules: BodyRules;
  /** Bytes read ahead during a race. */
  readonly #ahead: Uint8Array[] = [];
  #aheadBytes = 0;
  #received = 0;
  /** How the body ended; null while it goes on. The first end stands. */
  #end: "whole" | UpstreamError | null = null;
  #filling: Promise<void> | null = null;
  #stopReadingAhead = false;
  /** When the read that is under way began; null when none is. */
  #waitingSince: number | null = null;
  /** Milliseconds of all reads that are over. */
  #waitedMs = 0;
  #cancelWatch: (() => void) | null = null;

  constructor(body: ReadableStream<Uint8Array> | AnswerBody | null, rules: BodyRules) {
    this.#reader = body instanceof ReadableStream ? new ChunkReader(body) : body;
    this.#rules = rules;
    rules.observer?.body();
    const { signal } = rules.controller;
    const onAbort = (): void => {
      this.#finish(upstreamErrorOf(signal.reason));
      // Once nobody holds the Response any more, the platform forgets the body when the signal is
      // aborted: reads go on, or hang, and the connection stays (Deno 2.9).
      void this.#reader?.cancel();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  }

  /** Bytes that have come in. */
  get received(): number {
    return this.#received;
  }

  /** What was read ahead and nobody has taken yet, in order. */
  get ahead(): readonly Uint8Array[] {
    return this.#ahead;
  }

  /** Whether the body has ended as it should, however much of it was taken. */
  get isWhole(): boolean {
    return this.#end === "whole";
  }

  /** Milliseconds that were spent waiting for the upstream. */
  get waitedMs(): number {
    const since = this.#waitingSince;
    // Not less than nothing, should the clock have been set back.
    return this.#waitedMs + (since === null ? 0 : Math.max(0, this.#rules.clock.now() - since));
  }

  /** The next bytes, never empty; null at the end. One read at a time. */
  async read(): Promise<Uint8Array | null> {
    this.#stopReadingAhead = true;
    // What is here already must not wait for a read ahead that is under way.
    if (this.#ahead.length === 0 && this.#filling !== null) await this.#filling;
    const chunk = this.#ahead.shift() ?? null;
    if (chunk === null) return await this.#readUpstream();
    this.#aheadBytes -= chunk.byteLength;
    return chunk;
  }

  /**
   * Reads ahead until so many bytes are here, the body has ended, or `read` is called. Holds as
   * many bytes in memory, and at most one chunk more.
   */
  async readAhead(bytes: number): Promise<void> {
    while (!this.#stopReadingAhead && this.#end === null && this.#aheadBytes < bytes) {
      if (this.#filling !== null) {
        // Somebody else reads ahead as well: never two reads at once.
        await this.#filling;
        continue;
      }
      this.#filling = this.#fillAhead();
      try {
        await this.#filling;
      } finally {
        this.#filling = null;
      }
    }
  }

  /** Reads all that is left when it is here already; whether it was. Without a wait, and so without its cost. */
  readAtOnce(): boolean {
    const { declared, observer } = this.#rules;
    if (this.#end !== null || this.#filling !== null || declared === null) return false;
    const rest = this.#reader?.takeWhole?.() ?? null;
    if (rest === null) return false;
    this.#received += rest.byteLength;
    this.#ahead.push(rest);
    this.#aheadBytes += rest.byteLength;
    observer?.received(rest.byteLength);
    if (this.#received === declared) this.#finish("whole");
    return true;
  }

  /**
   * All of the body, when it has been read ahead to its honest end and nobody has taken any of it;
   * null otherwise. Nothing is left to read then.
   */
  takeWhole(): Uint8Array<ArrayBuffer> | null {
    if (this.#end !== "whole" || this.#aheadBytes !== this.#received) return null;
    const [first] = this.#ahead;
    const isOne = first !== undefined && this.#ahead.length === 1;
    const whole = isOne ? first as Uint8Array<ArrayBuffer> : new Uint8Array(this.#received);
    for (let at = 0; !isOne && this.#ahead.length > 0;) {
      const chunk = this.#ahead.shift() ?? whole;
      whole.set(chunk, at);
      at += chunk.byteLength;
    }
    this.#ahead.length = 0;
    this.#aheadBytes = 0;
    return whole;
  }

  /** From now on pieces are the reader's only until it has given them back to these buffers. */
  reuse(buffers: PieceBuffers): void {
    this.#reader?.reuse?.(buffers);
  }

  /** Gives the body up and its connection with it. */
  cancel(reason: UpstreamError = new UpstreamError({ kind: "aborted" })): void {
    this.#rules.controller.abort(reason);
  }

  async #fillAhead(): Promise<void> {
    const chunk = await this.#readUpstream();
    if (chunk === null) return;
    this.#ahead.push(chunk);
    this.#aheadBytes += chunk.byteLength;
  }

  async #readUpstream(): Promise<Uint8Array | null> {
    if (this.#end === "whole") return null;
    if (this.#end !== null) throw this.#end;
    this.#waitingSince = this.#rules.clock.now();
    if (this.#cancelWatch === null) this.#watch(this.#rules.stallTimeoutMs);
    try {
      const chunk = await this.#readChunk();
      if (chunk === null) this.#finish("whole");
      return chunk;
    } catch (error) {
      // A read that was under way at the abort fails in its own way.
      const failure = this.#endedBadly() ?? this.#failure(error);
      this.#finish(failure);
      // Whatever is wrong, nobody reads on: the connection goes at once.
      this.#rules.controller.abort(failure);
      throw failure;
    } finally {
      this.#waitedMs = this.waitedMs;
      this.#waitingSince = null;
    }
  }

  async #readChunk(): Promise<Uint8Array | null> {
    const { declared } = this.#rules;
    for (;;) {
      const chunk = await this.#reader?.read() ?? null;
      // A read that was under way at the abort comes back as an end.
      const end = this.#endedBadly();
      if (end !== null) throw end;
      if (chunk === null) {
        if (declared === null || this.#received === declared) return null;
        throw new UpstreamError({ kind: "short-body", received: this.#received, declared });
      }
      this.#received += chunk.byteLength;
      this.#rules.observer?.received(chunk.byteLength);
      if (declared !== null && this.#received > declared) {
        throw new UpstreamError({ kind: "long-body", declared });
      }
      if (chunk.byteLength > 0) return chunk;
    }
  }

  #endedBadly(): UpstreamError | null {
    return this.#end instanceof UpstreamError ? this.#end : null;
  }

  #failure(error: unknown): UpstreamError {
    if (error instanceof UpstreamError) return error;
    const { declared } = this.#rules;
    return declared !== null && this.#received < declared
      ? new UpstreamError({ kind: "short-body", received: this.#received, declared }, {
        cause: error,
      })
      : new UpstreamError({ kind: "network", detail: networkDetail(error) }, { cause: error });
  }

  /** One timer for the whole body: it looks whether the read of the moment is overdue. */
  #watch(ms: number): void {
    const { clock, stallTimeoutMs, controller } = this.#rules;
    const after = ms === stallTimeoutMs ? afterShared : afterAlone;
    this.#cancelWatch = after(clock, ms, () => {
      const since = this.#waitingSince;
      const leftMs = since === null ? stallTimeoutMs : since + stallTimeoutMs - clock.now();
      // Never longer than from the start, should the clock have been set back.
      if (leftMs > 0) this.#watch(Math.min(leftMs, stallTimeoutMs));
      else controller.abort(new UpstreamError({ kind: "stalled", afterMs: stallTimeoutMs }));
    });
  }

  #finish(end: "whole" | UpstreamError): void {
    if (this.#end === null) {
      this.#end = end;
      this.#rules.observer?.bodyEnded(end === "whole" ? null : end, this.waitedMs);
    }
    this.#cancelWatch?.();
    this.#cancelWatch = null;
  }
}

function afterAlone(clock: Clock, ms: number, callback: () => void): () => void {
  return clock.after(ms, callback);
}

function upstreamErrorOf(reason: unknown): UpstreamError {
  return reason instanceof UpstreamError ? reason : new UpstreamError({ kind: "aborted" });
}
