import type { Attributes, Context, Span, Tracer } from "@opentelemetry/api";
import type { ClientRequest } from "../server/client_request.ts";
import type { Outgoing } from "../server/outgoing.ts";
import type { FillSpans } from "./fill_spans.ts";

type Api = typeof import("@opentelemetry/api");

/** Scheme, host, port, and the path without the query, which may hold a token. */
const URL_PARTS = /^(https?):\/\/(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?([^?#]*)/i;

/** The upstream in `Cache-Status`. */
const DETAIL = /; detail="((?:[^"\\]|\\.)*)"/;

/** W3C Trace Context: version, trace, parent, flags. */
const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-|$)/;

const FIRST_SERVER_ERROR = 500;

/** Makes a span of each request, from its head to the last byte of the answer. */
export class RequestSpans {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #fills: FillSpans;

  constructor(api: Api, tracer: Tracer, fills: FillSpans) {
    this.#api = api;
    this.#tracer = tracer;
    this.#fills = fills;
  }

  /** Has the request answered within a span of its own. */
  async answer(
    request: ClientRequest,
    handle: (request: ClientRequest) => Promise<Outgoing>,
  ): Promise<Outgoing> {
    const { context, trace } = this.#api;
    const { method } = request;
    const span = this.#begin(request);
    let outgoing: Outgoing;
    try {
      outgoing = await context.with(
        trace.setSpan(context.active(), span),
        () => handle(request),
      );
    } catch (error) {
      this.#fail(span, "500", "internal error");
      span.end();
      throw error;
    }
    const { status, headers } = outgoing;
    span.setAttribute("http.response.status_code", status);
    const result = headers.get("x-cache");
    if (result !== null) span.setAttribute("cache_proxy.result", result);
    const upstream = DETAIL.exec(headers.get("cache-status") ?? "")?.[1]?.replace(/\\(.)/g, "$1");
    if (upstream !== undefined) span.setAttribute("cache_proxy.upstream", upstream);
    if (result === "JOINED") this.#link(span, request);
    if (status >= FIRST_SERVER_ERROR) this.#fail(span, String(status), `${method} was not served`);
    return {
      ...outgoing,
      onBytes: (bytes) => outgoing.onBytes(bytes),
      onEnd: (bytes, brokenBy) => {
        span.setAttribute("cache_proxy.bytes", bytes);
        if (brokenBy !== null) this.#fail(span, "broken", brokenBy);
        span.end();
        outgoing.onEnd(bytes, brokenBy);
      },
    };
  }

  #begin(request: ClientRequest): Span {
    const { SpanKind, trace } = this.#api;
    const [, scheme = "http", host = "", port, path = "/"] = URL_PARTS.exec(request.url) ?? [];
    const attributes: Attributes = {
      "http.request.method": request.method,
      "url.scheme": scheme,
      "url.path": path,
      "server.address": host,
      ...port === undefined ? {} : { "server.port": Number(port) },
      "client.address": request.client,
    };
    // HTTP/2 is served by the runtime, which makes a span by itself.
    const isBelow = trace.getActiveSpan() !== undefined;
    const kind = isBelow ? SpanKind.INTERNAL : SpanKind.SERVER;
    const parent = isBelow ? this.#api.context.active() : this.#callerOf(request);
    return this.#tracer.startSpan(request.method, { kind, attributes }, parent);
  }

  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  #callerOf({ headers }: ClientRequest): Context {
    const { context, trace } = this.#api;
    const active = context.active();
    const [, traceId, spanId, flags] = TRACEPARENT.exec(headers.get("traceparent") ?? "") ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return active;
    const caller = { traceId, spanId, traceFlags: parseInt(flags, 16) & 1, isRemote: true };
    return this.#api.isSpanContextValid(caller) ? trace.setSpanContext(active, caller) : active;
  }

  /** A request that has joined a download is not its cause. */
  #link(span: Span, { url }: ClientRequest): void {
    const fill = this.#fills.under(url.slice(url.indexOf("/", url.indexOf("://") + 3)));
    if (fill !== null) span.addLink({ context: fill });
  }

  #fail(span: Span, type: string, message: string): void {
    span.setAttribute("error.type", type);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }
}
