import { getLogger } from "@logtape/logtape";
import { CacheProxyError } from "../../errors.ts";
import { errorAnswer } from "./admin_answer.ts";
import type { Guard } from "./guard.ts";
import { readJson } from "./read_json.ts";
import type { AdminParts, AdminRequest, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** Stands for the rest of a path. */
const REST = "/{path}";

/** Scheme, authority, path, query. */
const URL_PARTS = /^https?:\/\/[^/?#]*([^?#]*)(\??[^#]*)/i;

const log = getLogger(["cache-proxy", "admin"]);

/** What answers requests of operators. */
export interface AdminHandlerOptions {
  readonly parts: AdminParts;
  readonly guard: Guard;
  /** Aborted when the proxy is going down: what takes long ends early. */
  readonly stopping: AbortSignal;
}

/** A handler for `Deno.serve`. Never rejects. */
export function createAdminHandler(
  options: AdminHandlerOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = await answerTo(request, options);
    if (request.method !== "HEAD") return answer;
    // RFC 9110 section 9.3.2: the same without the content.
    return new Response(null, { status: answer.status, headers: answer.headers });
  };
}

async function answerTo(request: Request, options: AdminHandlerOptions): Promise<Response> {
  const { parts, guard, stopping } = options;
  const [, path = "", query = ""] = URL_PARTS.exec(request.url) ?? [];
  const found = ROUTES.filter((route) => matches(route, path));
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = found.find((it) => it.method === method);
  // Who has no token learns nothing, not even what there is.
  const refusal = route?.isOpen ? null : guard.refuse(request);
  if (refusal !== null) return refusal;
  if (route === undefined) return noRoute(found, path);
  const signal = AbortSignal.any([request.signal, stopping]);
  try {
    const json = (maxBytes: number): Promise<unknown> => readJson(request, maxBytes);
    return await route.handle({ path: restOf(route, path), query, signal, json }, parts);
  } catch (error) {
    log.error("Cannot answer {method} {path}: {error}", { method, path, error });
    // What we raise on purpose says what is wrong; the rest may say too much.
    const why = error instanceof CacheProxyError
      ? error.message
      : "Internal error; the log has the details";
    return errorAnswer(500, why);
  }
}

function noRoute(others: readonly Route[], path: string): Response {
  if (others.length === 0) {
    return errorAnswer(404, `There is no ${path} here; /openapi.json tells what there is`);
  }
  const allow = others.flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
  return errorAnswer(405, `${path} takes ${allow.join(", ")}`, { allow: allow.join(", ") });
}

function matches({ path: pattern }: Route, path: string): boolean {
  return pattern.endsWith(REST)
    ? path.startsWith(pattern.slice(0, 1 - REST.length))
    : path === pattern;
}

function restOf({ path: pattern }: Route, path: string): AdminRequest["path"] {
  return pattern.endsWith(REST) ? path.slice(pattern.length - REST.length) : "";
}
