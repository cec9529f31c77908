import type { OpenBodies } from "../body_stream.ts";
import type { ClientRequest } from "../client_request.ts";
import type { Outgoing } from "../outgoing.ts";
import { ConnReader } from "./conn_reader.ts";
import { type Framing, framingOf, isPersistent } from "./framing.ts";
import { Http1Request } from "./http1_request.ts";
import { parseHead, type RequestHead, type Unreadable } from "./request_head.ts";
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
  readonly #writer: ResponseWriter;
  #state: keyof typeof MAX_LOOKS = "idle";
  #looks = 0;
  #isDraining = false;
  #isClosed = false;

  constructor(conn: Deno.TcpConn, parts: ConnectionParts) {
    this.#conn = conn;
    this.#parts = parts;
    this.#reader = new ConnReader(conn);
    this.#writer = new ResponseWriter(conn, parts.openBodies, () => this.close());
  }

  /** Resolves when the connection is closed; never rejects. */
  async run(): Promise<void> {
    try {
      while (await this.#next());
    } catch {
      // The client is gone.
    } finally {
      this.close();
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

  /**
   * One step; whether the connection goes on. Up to a quick answer nothing is `async` but the read
   * and the write: each further promise would cost a twentieth of such an answer.
   */
  #next(): Promise<boolean> {
    const bytes = this.#reader.takeHead();
    if (bytes === null) return this.#moreOfHead();
    this.#enter("busy");
    const head = parseHead(bytes);
    if ("status" in head) return this.#refuse(head);
    const framing = framingOf(head);
    if ("status" in framing) return this.#refuse(framing);
    const refusal = hostProblem(head) ?? expectationProblem(head);
    if (refusal !== null) return this.#refuse(refusal);
    if (framing.kind !== "none" || head.minor === 0 || this.#isDraining) {
      return this.#exchange(head, framing);
    }
    const quick = this.#parts.handler.quick(new Http1Request(head, null, this.#conn));
    return quick === null
      ? this.#exchange(head, framing)
      : this.#sendQuick(quick, isPersistent(head));
  }

  #moreOfHead(): Promise<boolean> {
    if (this.#reader.isFull) {
      return this.#refuse({ status: 431, reason: "The head of the request is too long" });
    }
    const state = this.#reader.buffered === 0 ? "idle" : "head";
    if (this.#state !== state) this.#enter(state);
    if (this.#isDraining && state === "idle") return Promise.resolve(false);
    return this.#reader.fill();
  }

  /** @param stays Whether the connection does; if not, that was the client's wish, who knows it. */
  async #sendQuick(parts: readonly Uint8Array[], stays: boolean): Promise<boolean> {
    this.#enter("sending");
    for (const bytes of parts) {
      for (let at = 0; at < bytes.byteLength;) {
        at += await this.#conn.write(at === 0 ? bytes : bytes.subarray(at));
        // Slowly is all right, not at all is not.
        this.#looks = 0;
      }
    }
    return stays;
  }

  async #exchange(head: RequestHead, framing: Framing): Promise<boolean> {
    const expects = head.fields.get("expect") !== null;
    const body = framing.kind === "none" ? null : new RequestBody(this.#reader, framing, {
      onFirstRead: () => this.#goAhead(head, expects),
      onWait: (isWaiting) => this.#enter(isWaiting ? "body" : "busy"),
      onEnd: () => this.#watch(request),
    });
    const request = new Http1Request(head, body, this.#conn);
    const stays = isPersistent(head) && !this.#isDraining;
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

/** RFC 9112 section 3.2. */
function hostProblem({ fields, minor }: RequestHead): Unreadable | null {
  const hosts = fields.lines("host").length;
  if (hosts === 1 || (hosts === 0 && minor === 0)) return null;
  return { status: 400, reason: "Cannot read the request: it takes one Host field" };
}

/** RFC 9110 section 10.1.1. */
function expectationProblem({ fields }: RequestHead): Unreadable | null {
  const expects = fields.get("expect");
  if (expects === null || expects.toLowerCase() === "100-continue") return null;
  return { status: 417, reason: `Cannot meet the expectation ${expects}` };
}
