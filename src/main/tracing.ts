import type { Activity } from "../fill/activity.ts";
import type { ClientRequest } from "../server/client_request.ts";
import type { Outgoing } from "../server/outgoing.ts";
import { FillSpans } from "./fill_spans.ts";
import { RequestSpans } from "./request_spans.ts";

/** How the runtime is told to export traces. */
const SWITCHED_ON: ReadonlySet<string | undefined> = new Set(["true", "1"]);

/** Answers one request of a client. */
export type Handle = (request: ClientRequest) => Promise<Outgoing>;

/** Makes spans of OpenTelemetry, which the runtime exports. */
export interface Tracing {
  /** Makes a span of each request. */
  readonly traced: (handle: Handle) => Handle;
  /** Makes spans of what goes on in the filling plane. */
  follow(activity: Pick<Activity, "subscribe">): void;
}

/**
 * Starts tracing where the runtime exports traces (`OTEL_DENO=true`); else null, nothing is loaded,
 * and nothing costs anything.
 */
export async function startTracing(
  env: (name: string) => string | undefined,
  version: string,
): Promise<Tracing | null> {
  if (!SWITCHED_ON.has(env("OTEL_DENO"))) return null;
  const api = await import("@opentelemetry/api");
  const tracer = api.trace.getTracer("cache-proxy", version);
  const fills = new FillSpans(api, tracer);
  const requests = new RequestSpans(api, tracer, fills);
  return {
    traced: (handle) => (request) => requests.answer(request, handle),
    follow: (activity) => void activity.subscribe((event) => fills.take(event)),
  };
}
