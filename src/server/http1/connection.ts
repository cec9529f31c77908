import type { OpenBodies } from "../body_stream.ts";
import type { ClientRequest } from "../client_request.ts";
import type { Outgoing } from "../outgoing.ts";
import { ConnReader } from "./conn_reader.ts";
import { Http1Request } from "./http1_request.ts";
import { likelyHead, type ReadHead, readHead } from "./known_head.ts";
import type { RequestHead, Unreadable } from "./request_head.ts";
import { RequestBody } from "./request_body.ts";
import { responseHead } from "./response_head.ts";
import { ResponseWriter } from "./response_writer.ts";

/**
 * Looks after which a connection is closed: what is waited for is, in this order, another request,
 * the rest of a head, the next bytes of a body, a client that takes a small answer, one that hangs
 * up. `busy` is bounded by those who work on the answer, and by `OpenBodies` while it goes out.
 */
const MAX_LOOKS = {
  idle: 24,
  head: 6,
  body: 24,
  sending: 24,
  lingering: 2,
  busy: Infinity,
} as const;

/** Bytes of what a client still sends that are read over after an answer that ends the connection. */
const MAX_LINGER_BYTES = 256 * 1024;

/** Answers requests. */
export interface Http1Handler {
  /** The bytes of an answer that needs no wait, head included; null: `handle` it. */
  quick(request: ClientRequest & { readonly target: string }): readonly Uint8Array[] | null;
  /** Never rejects. */
  handle(request: ClientRequest): Promise<Outgoing>;
}

/** What a connection works with. */
export interface ConnectionParts {
  readonly handler: Http1Handler;
  readonly openBodies: OpenBodies;
}

/** One connection of a client: one request after the other (RFC 9112). */
export class Connection {
  readonly #conn: Deno.TcpConn;
  readonly #parts: ConnectionParts;
  readonly #reader: ConnReader;
  /** Made for the first answer that takes it. */
  #sender: ResponseWriter | null = null;
  /** What the client sent last, or at first what others have sent. */
  #before: ReadHead | null = likelyHead();
  /** The request of that head, as long as nobody is given it who keeps it. */
  #asking: Http1Request | null = null;
  #state: keyof typeof MAX_LOOKS = "idle";
  #looks = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(conn: Deno.TcpConn, parts: ConnectionParts) {
    this.#conn = conn;
    this.#parts = parts;
    this.#reader = new ConnReader(conn);
  }

  get #writer(): ResponseWriter {
    return this.#sender ??= new ResponseWriter(
      this.#conn,
      this.#parts.openBodies,
      () => this.close(),
    );
  }

  /** Resolves when the connection is closed; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#answerAll();
    } catch {
      // The client is gone.
    } finally {
      this.close();
      this.#reader.end();
    }
  }

  /**
   * Reads and answers until the connection ends. For a quick answer there is no promise but those of
   * the read and the write: each further one would cost a twentieth of such an answer.
   */
  async #answerAll(): Promise<void> {
    const conn = this.#conn;
    const reader = this.#reader;
    for (;;) {
      const read = this.#takeHead();
      if (read === null) {
        if (!this.#mayWait()) return void await this.#refuseLength();
        if (this.#isDraining && this.#state === "idle") return;
        if (reader.isReading) {
          if (!await reader.fill()) return;
          continue;
        }
        const count = await conn.read(reader.room());
        if (count === null) return;
        reader.took(count);
        continue;
      }
      this.#enter("busy");
      if ("status" in read) return void await this.#refuse(read);
      const quick = this.#quick(read);
      if (quick === null) {
        if (!await this.#exchange(read)) return;
        continue;
      }
      this.#enter("sending");
      for (const bytes of quick) {
        for (let at = 0; at < bytes.byteLength;) {
          at += await conn.write(at === 0 ? bytes : bytes.subarray(at));
          // Slowly is all right, not at all is not.
          this.#looks = 0;
        }
      }
      // If not, that was the client's wish, who knows it.
      if (!read.persists) return;
    }
  }

  /** Takes no further request: closes now, or after the answer that is under way. */
  drain(): void {
    this.#isDraining = true;
    if (this.#state === "idle" || this.#state === "head") this.close();
  }

  /** Looked at every few seconds: who sends nothing does not stay for ever. */
  look(): void {
    if (++this.#looks > MAX_LOOKS[this.#state]) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#conn.close();
    } catch {
      // The platform has closed it already.
    }
  }

  /** null when it is not whole yet. */
  #takeHead(): ReadHead | Unreadable | null {
    const before = this.#before;
    const known = before?.bytes ?? null;
    if (known !== null && this.#reader.takeIf(known)) return before;
    const bytes = this.#reader.takeHead();
    if (bytes === null) return null;
    const read = readHead(bytes, before);
    if ("head" in read) {
      this.#before = read;
      this.#asking = null;
    }
    return read;
  }

  /** The bytes of an answer that needs no wait; null when there is none. */
  #quick({ head, framing }: ReadHead): readonly Uint8Array[] | null {
    if (framing.kind !== "none" || head.minor === 0 || this.#isDraining) return null;
    this.#asking ??= new Http1Request(head, null, this.#conn);
    return this.#parts.handler.quick(this.#asking);
  }

  /** Whether there is room for the rest of a head. */
  #mayWait(): boolean {
    if (this.#reader.isFull) return false;
    const state = this.#reader.buffered === 0 ? "idle" : "head";
    if (this.#state !== state) this.#enter(state);
    return true;
  }

  #refuseLength(): Promise<boolean> {
    return this.#refuse({ status: 431, reason: "The head of the request is too long" });
  }

  /** Whether the connection goes on. */
  async #exchange({ head, framing, persists }: ReadHead): Promise<boolean> {
    const expects = head.fields.get("expect") !== null;
    const body = framing.kind === "none" ? null : new RequestBody(this.#reader, framing, {
      onFirstRead: () => this.#goAhead(head, expects),
      onWait: (isWaiting) => this.#enter(isWaiting ? "body" : "busy"),
      onEnd: () => this.#watch(request),
    });
    const request = new Http1Request(head, body, this.#conn);
    const stays = persists && !this.#isDraining;
    if (body === null) this.#watch(request);
    const outgoing = await this.#parts.handler.handle(request);
    const ends = !stays || this.#isDraining || (body !== null && !body.isEnded);
    const isWhole = await this.#writer.send(outgoing, head, ends, request.signal);
    if (!isWhole) return false;
    if (body !== null && !body.isEnded) return await this.#linger();
    return !ends;
  }

  /** Meanwhile a client that leaves is noticed; what it sends on is its next request. */
  #watch(request: Http1Request): void {
    if (this.#reader.buffered > 0) return;
    void this.#reader.fill().then((isThere) => {
      if (!isThere) request.leave();
    });
  }

  /** RFC 9110 section 10.1.1: the client waits for leave to send its body. */
  async #goAhead({ minor }: RequestHead, expects: boolean): Promise<void> {
    if (!expects || minor === 0 || this.#writer.hasBegun) return;
    await this.#writer.write(responseHead(100, []));
  }

  async #refuse({ status, reason }: Unreadable): Promise<boolean> {
    const text = new TextEncoder().encode(`${status} ${reason}\n`);
    this.#enter("sending");
    await this.#writer.refuse(status, text);
    return await this.#linger();
  }

  /**
   * RFC 9112 section 9.6: to close at once would reset the connection where the client still sends,
   * and take the answer from it.
   */
  async #linger(): Promise<false> {
    this.#enter("lingering");
    await this.#conn.closeWrite();
    for (let bytes = 0; bytes < MAX_LINGER_BYTES && !this.#isClosed;) {
      bytes += this.#reader.take(MAX_LINGER_BYTES).byteLength;
      if (!await this.#reader.fill()) break;
    }
    return false;
  }

  #enter(state: keyof typeof MAX_LOOKS): void {
    this.#state = state;
    this.#looks = 0;
  }
}
