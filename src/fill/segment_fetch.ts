import { failedCheck } from "../decide/admission.ts";
import { strongEtag } from "../decide/continuation.ts";
import { firstValue } from "../decide/fields.ts";
import { judgePart } from "../decide/part.ts";
import { SEGMENT_OVERLAP_BYTES, type TransferFacts } from "../decide/segment_plan.ts";
import { UpstreamError } from "../errors.ts";
import type { BodyHead, Clock, FailureReason, HeaderList, Instant } from "../types.ts";
import type { Attempt } from "./attempt.ts";
import { BodySource } from "./body_source.ts";
import type { SegmentMirror } from "./segment_mirror.ts";
import type { Answer } from "./upstream_client.ts";

/** What all segments of a file have in common. */
export interface SegmentedFile {
  /** What was promised of the file when it began. */
  readonly head: BodyHead;
  readonly stallTimeoutMs: number;
  readonly clock: Clock;
}

/** One request to one mirror for the bytes from `start` up to `end` (exclusive). */
export class SegmentFetch {
  readonly mirror: SegmentMirror;
  readonly start: number;
  readonly end: number;
  readonly askedAt: Instant;
  /** What the mirror has before `start`; null until all of it is here. */
  overlap: Uint8Array | null = null;
  /** Its bytes from `start` on. */
  readonly chunks: Uint8Array[] = [];
  readonly #file: SegmentedFile;
  readonly #attempt: Attempt;
  readonly #controller = new AbortController();
  readonly #from: number;
  #lastByteAt: Instant;
  #received = 0;
  #held = 0;

  constructor(mirror: SegmentMirror, start: number, end: number, file: SegmentedFile) {
    this.mirror = mirror;
    this.start = start;
    this.end = end;
    this.#file = file;
    this.#attempt = mirror.attempt();
    this.#from = Math.max(0, start - SEGMENT_OVERLAP_BYTES);
    this.askedAt = file.clock.now();
    this.#lastByteAt = this.askedAt;
  }

  /** Bytes that it holds in memory, and that it will hold when it is whole. */
  get heldBytes(): number {
    return this.#held;
  }

  get wholeBytes(): number {
    return this.end - this.#from;
  }

  facts(now: Instant): TransferFacts {
    return {
      received: this.#received,
      remaining: this.wholeBytes - this.#received,
      elapsedMs: now - this.askedAt,
      silentMs: now - this.#lastByteAt,
    };
  }

  /**
   * Resolves when all bytes are here.
   *
   * @param onBytes Called whenever more bytes are held.
   * @throws {UpstreamError} When the mirror does not deliver; its connection is then gone.
   */
  async run(onBytes: () => void): Promise<void> {
    try {
      await this.#run(onBytes);
      this.#attempt.won();
    } catch (error) {
      if (error instanceof UpstreamError) this.#attempt.failed(error.reason);
      throw error;
    }
  }

  async #run(onBytes: () => void): Promise<void> {
    const { stallTimeoutMs, clock } = this.#file;
    const answer = await this.#ask();
    const declared = this.wholeBytes;
    const controller = this.#controller;
    const source = new BodySource(answer.body, {
      declared,
      stallTimeoutMs,
      clock,
      controller,
      observer: this.#attempt,
    });
    const head: Uint8Array[] = [];
    for (;;) {
      const chunk = await source.read();
      if (chunk === null) return;
      this.#lastByteAt = clock.now();
      this.#take(chunk, head);
      onBytes();
    }
  }

  /** Gives it up: what is held is let go, and the connection if it is not at its end. */
  cancel(): void {
    this.chunks.length = 0;
    this.#held = 0;
    // What has won or failed already stays so.
    this.#attempt.lost();
    this.#controller.abort(new UpstreamError({ kind: "aborted" }));
  }

  #take(chunk: Uint8Array, head: Uint8Array[]): void {
    const missing = Math.max(0, this.start - this.#from - this.#received);
    this.#received += chunk.byteLength;
    this.#held += chunk.byteLength;
    if (this.overlap === null) {
      if (missing > 0) head.push(chunk.subarray(0, missing));
      if (chunk.byteLength >= missing) this.overlap = joined(head);
    }
    if (chunk.byteLength > missing) this.chunks.push(chunk.subarray(missing));
  }

  async #ask(): Promise<Answer> {
    const { mirror, end } = this;
    const { upstream, url } = mirror.candidate;
    const { head, clock } = this.#file;
    const question = { method: "GET", url, headers: this.#rangeHeaders() };
    const answer = await mirror.client.ask(question, this.#controller);
    this.#attempt.head(answer.status);
    // A partial answer is what the checkers' 200 stands for here.
    const status = answer.status === 206 ? 200 : answer.status;
    const failed = failedCheck({ ...answer, status }, upstream.checkers);
    if (failed !== null) this.#giveUp(answer, failed);
    const facts = { ...answer, upstream: upstream.name };
    const wanted = { from: this.#from, offset: end - 1, until: end };
    const part = judgePart(facts, head, wanted, clock.now());
    if (part.kind === "refuse") this.#giveUp(answer, part.reason);
    const etag = strongEtag(firstValue(answer.headers, "etag"));
    // The answers of one mirror must agree with each other as well.
    if (mirror.etag !== null && etag !== mirror.etag) {
      this.#giveUp(answer, { kind: "differs", detail: "its ETag has changed" });
    }
    mirror.etag = etag;
    return answer;
  }

  #rangeHeaders(): HeaderList {
    const range = ["range", `bytes=${this.#from}-${this.end - 1}`] as const;
    return this.mirror.etag === null ? [range] : [range, ["if-range", this.mirror.etag]];
  }

  #giveUp(answer: Answer, reason: FailureReason): never {
    // The abort alone does not always reach a body (see `BodySource`).
    void answer.body?.cancel().catch(() => {});
    this.#controller.abort(new UpstreamError({ kind: "aborted" }));
    throw new UpstreamError(reason);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let used = 0;
  for (const chunk of chunks) {
    all.set(chunk, used);
    used += chunk.byteLength;
  }
  return all;
}
