import { getLogger } from "@logtape/logtape";
import type { Cache } from "../cache/cache.ts";
import { BODYLESS_STATUSES } from "../decide/admission.ts";
import { failureStatus } from "../decide/failure.ts";
import { passedRequestFields } from "../decide/fields.ts";
import type { Filler } from "../fill/fill.ts";
import type { HeaderList, Key, Target } from "../types.ts";
import type { ClientRequest } from "./client_request.ts";
import { PSEUDONYM } from "./common_headers.ts";
import { busyAnswer, errorAnswer, upstreamErrorAnswer } from "./error_answer.ts";
import type { AccessFacts } from "./exchange.ts";
import type { Answer } from "./representation.ts";

const log = getLogger(["cache-proxy", "server"]);

/** Methods that a client may always use. */
const SERVED_METHODS = ["GET", "HEAD"];

/** RFC 9110 section 9.2.1: these change nothing, so that nothing stored is the worse for them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["OPTIONS", "TRACE", "PROPFIND", "REPORT"]);

/** Passes a request of another method through to an upstream that allows it. */
export async function serveForwarded(
  request: ClientRequest,
  target: Target,
  parts: { readonly filler: Filler; readonly cache: Cache; readonly isOffline: boolean },
  facts: AccessFacts,
): Promise<Answer> {
  const { method } = request;
  if (parts.isOffline) {
    facts.reason = "offline";
    return errorAnswer(504, "The proxy is offline");
  }
  const { body, signal } = request;
  const length = request.headers.get("content-length");
  const declared = length === null ? null : Number(length);
  const headers = requestFields(request);
  const result = await parts.filler.forward({ target, method, headers, body, declared, signal });
  switch (result.kind) {
    case "answer": {
      facts.cache = "BYPASS";
      facts.upstream = result.upstream;
      facts.reason = "method";
      if (!SAFE_METHODS.has(method)) await invalidate(parts.cache, result.invalidated);
      const answer = new Headers(result.headers as [string, string][]);
      answer.append("via", `1.1 ${PSEUDONYM}`);
      answer.set("x-cache", "BYPASS");
      answer.append("cache-status", `${PSEUDONYM}; fwd=method`);
      const isEmpty = BODYLESS_STATUSES.has(result.status) || result.status === 304;
      if (isEmpty) void result.body?.cancel();
      return { status: result.status, headers: answer, body: isEmpty ? null : result.body };
    }
    case "client-left":
      facts.reason = "client-left";
      return errorAnswer(400, "The request broke off");
    case "method-not-allowed": {
      facts.reason = "method";
      const allow = [...SERVED_METHODS, ...result.allowed].join(", ");
      return errorAnswer(405, `No upstream of this path takes ${method}`, { allow });
    }
    case "failed":
      facts.reason = "no-upstream-delivered";
      return upstreamErrorAnswer(failureStatus(result.failures), result.failures, null);
    case "refused":
      facts.reason = result.reason;
      return busyAnswer(result.reason);
  }
}

/** What has happened at the upstream has happened: the client gets to know it in any case. */
async function invalidate(cache: Cache, keys: readonly Key[]): Promise<void> {
  try {
    await cache.invalidate(keys);
  } catch (error) {
    log.error("Cannot remove what is out of date, {keys}: {error}", { keys, error });
  }
}

/** The way that the request has come goes along, so that a loop over several proxies is seen. */
function requestFields({ headers }: ClientRequest): HeaderList {
  const via = headers.get("via");
  const passed = passedRequestFields([...headers]);
  return via === null ? passed : [...passed, ["via", via]];
}
