import type { ClientRequest } from "../client_request.ts";
import type { HeaderFields } from "./header_fields.ts";
import type { RequestHead } from "./request_head.ts";
import type { RequestBody } from "./request_body.ts";

const CLIENT_LEFT = new DOMException("The client has left", "AbortError");

/** A request as it came over one connection. */
export class Http1Request implements ClientRequest {
  readonly method: string;
  readonly headers: HeaderFields;
  readonly #target: string;
  readonly #body: RequestBody | null;
  readonly #conn: Pick<Deno.TcpConn, "remoteAddr" | "localAddr">;
  #controller: AbortController | null = null;
  #hasLeft = false;

  constructor(
    head: RequestHead,
    body: RequestBody | null,
    conn: Pick<Deno.TcpConn, "remoteAddr" | "localAddr">,
  ) {
    this.method = head.method;
    this.headers = head.fields;
    this.#target = head.target;
    this.#body = body;
    this.#conn = conn;
  }

  /** As it was sent; in nearly all requests the path and the query. */
  get target(): string {
    return this.#target;
  }

  get url(): string {
    if (!this.#target.startsWith("/")) return this.#target;
    return `http://${this.headers.get("host") || "localhost"}${this.#target}`;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body?.stream() ?? null;
  }

  get client(): string {
    return this.#conn.remoteAddr.hostname;
  }

  get form(): "origin" | "absolute" {
    return this.#target.startsWith("/") ? "origin" : "absolute";
  }

  get local(): Deno.NetAddr {
    return this.#conn.localAddr as Deno.NetAddr;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#hasLeft) this.#controller.abort(CLIENT_LEFT);
    return this.#controller.signal;
  }

  /** The client has closed the connection. */
  leave(): void {
    this.#hasLeft = true;
    this.#controller?.abort(CLIENT_LEFT);
  }
}
