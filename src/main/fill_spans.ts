import type { Attributes, Context, Span, SpanContext, Tracer } from "@opentelemetry/api";
import { describeFailure } from "../decide/failure.ts";
import type { FillEvent } from "../fill/fill_event.ts";

type Api = typeof import("@opentelemetry/api");

/** Of one kind of event. */
type Of<Kind extends FillEvent["kind"]> = Extract<FillEvent, { readonly kind: Kind }>;

/** What went wrong; lost races, and answers that are merely no file, are none of it. */
const FAILED: ReadonlySet<string> = new Set(["broken", "failed", "refused"]);

/**
 * Makes spans of the events of the filling plane: of each fill, each race in it, and each question
 * to an upstream. A fill belongs to the request that it was begun for. As many are held as are under
 * way.
 */
export class FillSpans {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #fills = new Map<number, { readonly span: Span; readonly method: string }>();
  readonly #races = new Map<number, Span>();
  readonly #attempts = new Map<number, Span>();
  readonly #byPath = new Map<string, Span>();

  constructor(api: Api, tracer: Tracer) {
    this.#api = api;
    this.#tracer = tracer;
  }

  /** The download of a path that is under way. */
  under(path: string): SpanContext | null {
    return this.#byPath.get(path)?.spanContext() ?? null;
  }

  /** Must be called in the turn in which it happens: what is active then is the parent of a fill. */
  take(event: FillEvent): void {
    switch (event.kind) {
      case "fill-started":
        return this.#beginFill(event);
      case "race-started":
        return this.#beginRace(event);
      case "attempt-started":
        return this.#beginAttempt(event);
      case "attempt-head": {
        if (event.status === null) return;
        const attempt = this.#attempts.get(event.attempt);
        attempt?.setAttribute("http.response.status_code", event.status);
        attempt?.addEvent("head");
        return;
      }
      case "attempt-ended":
        return this.#endAttempt(event);
      case "race-ended":
        return this.#endRace(event);
      case "fill-ended":
        return this.#endFill(event);
    }
  }

  #beginFill({ fill, path, purpose, method }: Of<"fill-started">): void {
    // Queries may hold tokens.
    const key = path.replace(/\?.*$/s, "");
    const attributes = { "cache_proxy.key": key, "cache_proxy.purpose": purpose };
    const span = this.#start("fill", attributes, this.#api.context.active());
    this.#fills.set(fill, { span, method });
    if (purpose === "fill") this.#byPath.set(path, span);
  }

  #beginRace({ fill, race, role }: Of<"race-started">): void {
    const parent = this.#below(this.#fills.get(fill)?.span);
    this.#races.set(race, this.#start("race", { "cache_proxy.role": role }, parent));
  }

  #beginAttempt({ fill, race, attempt, upstream, role, url }: Of<"attempt-started">): void {
    const known = this.#fills.get(fill);
    const raceSpan = race === null ? undefined : this.#races.get(race);
    const attributes: Attributes = {
      "cache_proxy.upstream": upstream,
      "cache_proxy.role": role,
      ...known === undefined ? {} : { "http.request.method": known.method },
      ...url === null ? {} : urlAttributes(url),
    };
    const span = this.#start("contestant", attributes, this.#below(raceSpan ?? known?.span));
    this.#attempts.set(attempt, span);
  }

  #endAttempt({ attempt, outcome, reason, bytes }: Of<"attempt-ended">): void {
    const span = this.#attempts.get(attempt);
    if (span === undefined) return;
    this.#attempts.delete(attempt);
    span.setAttributes({ "cache_proxy.outcome": outcome, "cache_proxy.bytes": bytes });
    if (outcome === "failed" && reason !== null) {
      this.#fail(span, reason.kind, describeFailure(reason));
      if (reason.kind === "status") {
        span.setAttributes({
          "http.response.status_code": reason.status,
          "error.type": String(reason.status),
        });
      }
    }
    span.end();
  }

  #endRace({ race, winner }: Of<"race-ended">): void {
    const span = this.#races.get(race);
    if (span === undefined) return;
    this.#races.delete(race);
    if (winner === null) this.#fail(span, "no-winner", "no upstream delivered");
    else span.setAttribute("cache_proxy.upstream", winner.upstream);
    span.end();
  }

  #endFill({ fill, path, outcome, upstream, bytes, reason }: Of<"fill-ended">): void {
    const span = this.#fills.get(fill)?.span;
    if (span === undefined) return;
    this.#fills.delete(fill);
    if (this.#byPath.get(path) === span) this.#byPath.delete(path);
    span.setAttributes({ "cache_proxy.outcome": outcome, "cache_proxy.bytes": bytes });
    if (upstream !== null) span.setAttribute("cache_proxy.upstream", upstream);
    if (reason !== null) span.setAttribute("cache_proxy.reason", reason);
    if (FAILED.has(outcome)) this.#fail(span, outcome, reason ?? outcome);
    span.end();
  }

  #start(name: string, attributes: Attributes, parent: Context): Span {
    return this.#tracer.startSpan(name, { attributes }, parent);
  }

  /** What comes after its fill has ended belongs to whoever asks for it. */
  #below(span: Span | undefined): Context {
    const active = this.#api.context.active();
    return span === undefined ? active : this.#api.trace.setSpan(active, span);
  }

  #fail(span: Span, type: string, message: string): void {
    span.setAttribute("error.type", type);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }
}

/** Without the query, which may hold a token. */
function urlAttributes(text: string): Attributes {
  const url = URL.parse(text);
  if (url === null) return {};
  const { origin, pathname, protocol, hostname, port } = url;
  return {
    "url.full": origin + pathname,
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
  };
}
