import {
  type AnswerFraming,
  type AnswerHead,
  endOfHead,
  framingOfAnswer,
  parseAnswerHead,
  staysOpen,
} from "../decide/answer_head.ts";
import { UpstreamError } from "../errors.ts";
import {
  type AnswerBody,
  type BodyConnection,
  ChunkedBody,
  ClosingBody,
  SizedBody,
} from "./answer_body.ts";

/** Held for each connection: a head and a small body fit. */
const BUFFER_BYTES = 16 * 1024;

/** A longer head is refused. */
const MAX_HEAD_BYTES = 64 * 1024;

/** Interim answers (1xx) before the one that counts. */
const MAX_INTERIM = 10;

/** An answer as it came, its body not yet read. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: AnswerHead["headers"];
  readonly body: AnswerBody | null;
}

/** The connection ended before a byte of the answer: on a kept one the request may be sent again. */
export class ClosedUnanswered extends Error {}

/** One connection to a mirror: one request after the other (RFC 9112). */
export class MirrorConnection implements BodyConnection {
  readonly #conn: Deno.TcpConn;
  /** Called when it is free for another request, and when it is closed. */
  readonly #onChange: (connection: MirrorConnection) => void;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #reading: Promise<boolean> | null = null;
  #isBusy = false;
  #isClosed = false;
  /** Whether it has answered before. */
  #isUsed = false;

  constructor(conn: Deno.TcpConn, onChange: (connection: MirrorConnection) => void) {
    this.#conn = conn;
    this.#onChange = onChange;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** From now on it is one request's. */
  claim(): void {
    this.#isBusy = true;
  }

  /**
   * Sends a request without a body. The connection is closed, and the answer fails, where its
   * framing is not clear.
   *
   * @throws {ClosedUnanswered}
   * @throws {UpstreamError} `network`.
   */
  async ask(method: string, request: Uint8Array<ArrayBuffer>): Promise<RawAnswer> {
    try {
      // Nobody has asked for that: it must not pass for an answer.
      if (this.buffered > 0) {
        throw new ClosedUnanswered("Cannot ask: the connection is not in order");
      }
      await this.#write(request);
      const head = await this.#head();
      const framing = framingOfAnswer(method, head);
      if (typeof framing === "string") throw nonsense(framing);
      return { status: head.status, headers: head.headers, body: this.#body(head, framing) };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get buffered(): number {
    return this.#end - this.#start;
  }

  take(maximum: number): Uint8Array<ArrayBuffer> {
    const end = Math.min(this.#end, this.#start + maximum);
    const bytes = this.#buffer.slice(this.#start, end);
    this.#start = end;
    return bytes;
  }

  get window(): { readonly buffer: Uint8Array; readonly start: number; readonly end: number } {
    return { buffer: this.#buffer, start: this.#start, end: this.#end };
  }

  skipTo(start: number): void {
    this.#start = start;
  }

  async more(): Promise<boolean> {
    // Kept until the next read ends, since it was begun when the connection was idle.
    const reading = this.#reading ?? this.#fill();
    this.#reading = null;
    return await reading;
  }

  async readInto(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    return await this.#conn.read(target);
  }

  release(stays: boolean): void {
    if (!stays || this.buffered > 0 || this.#isClosed) return this.close();
    this.#isBusy = false;
    this.#isUsed = true;
    this.#onChange(this);
    if (this.#isClosed || this.#isBusy) return;
    this.#watch();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#conn.close();
    } catch {
      // The platform has closed it already.
    }
    this.#onChange(this);
  }

  /** While nothing is asked nothing may come: then, and when the mirror closes, it is of no use. */
  #watch(): void {
    const reading = this.#fill();
    this.#reading = reading;
    void reading.then(() => true, () => true).then(() => {
      if (!this.#isBusy) this.close();
    });
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      let written = await this.#conn.write(bytes);
      while (written < bytes.byteLength) written += await this.#conn.write(bytes.subarray(written));
    } catch (error) {
      throw new ClosedUnanswered("Cannot send the request", { cause: error });
    }
  }

  async #head(): Promise<AnswerHead> {
    for (let interim = 0; interim <= MAX_INTERIM; interim++) {
      const head = await this.#nextHead(interim === 0);
      if (head.status >= 200) return head;
      // RFC 9110 section 15.2.2: nobody has asked for another protocol.
      if (head.status === 101) throw nonsense("it changes to another protocol");
    }
    throw nonsense(`it gave more than ${MAX_INTERIM} interim answers`);
  }

  async #nextHead(isFirst: boolean): Promise<AnswerHead> {
    for (;;) {
      const end = endOfHead(this.#buffer, this.#start, this.#end);
      if (end !== -1) {
        const head = parseAnswerHead(this.#buffer.subarray(this.#start, end));
        this.#start = end;
        if (typeof head === "string") throw nonsense(head);
        return head;
      }
      if (this.buffered >= MAX_HEAD_BYTES) throw nonsense("its head is too long");
      const isSilent = isFirst && this.buffered === 0;
      const isMore = await this.more().catch((error) => {
        if (isSilent) throw new ClosedUnanswered("Cannot read an answer", { cause: error });
        throw error;
      });
      if (isMore) continue;
      if (isSilent) throw new ClosedUnanswered("Cannot read an answer: the connection was closed");
      throw nonsense("its head has no end");
    }
  }

  #body(head: AnswerHead, framing: AnswerFraming): AnswerBody | null {
    const stays = staysOpen(head);
    switch (framing.kind) {
      case "none":
        this.release(stays);
        return null;
      case "length":
        if (framing.bytes === 0) this.release(stays);
        return framing.bytes === 0 ? null : new SizedBody(this, framing.bytes, stays);
      case "chunked":
        return new ChunkedBody(this, stays);
      case "close":
        return new ClosingBody(this);
    }
  }

  async #fill(): Promise<boolean> {
    this.#makeRoom();
    const count = await this.#conn.read(this.#buffer.subarray(this.#end));
    if (count === null) return false;
    this.#end += count;
    return true;
  }

  #makeRoom(): void {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end < this.#buffer.byteLength) return;
    const larger = new Uint8Array(Math.min(this.#buffer.byteLength * 4, MAX_HEAD_BYTES + 1));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

function nonsense(what: string): UpstreamError {
  return new UpstreamError({ kind: "network", detail: `cannot read the answer: ${what}` });
}
