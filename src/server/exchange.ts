import type { CacheResult } from "../decide/cache_status.ts";
import type { SelectingHeaders } from "../decide/plan_response.ts";
import type { Asked } from "../cache/outcome.ts";
import type { Target } from "../types.ts";
import type { ClientRequest } from "./client_request.ts";

/** One request on its way to an answer: what was asked, and what the access log will say. */
export interface Exchange {
  readonly request: ClientRequest;
  readonly target: Target;
  readonly method: "GET" | "HEAD";
  readonly selecting: SelectingHeaders;
  readonly want: Asked["want"];
  readonly facts: AccessFacts;
}

/** The mutable facts of the access log's line; filled in while the answer takes shape. */
export interface AccessFacts {
  readonly method: string;
  path: string;
  readonly client: string;
  readonly startedAt: number;
  cache: CacheResult | null;
  upstream: string | null;
  reason: string | null;
}

/** Reads what the cache needs to know of a GET or HEAD. */
export function exchangeOf(
  request: ClientRequest,
  target: Target,
  method: "GET" | "HEAD",
  facts: AccessFacts,
): Exchange {
  const { headers } = request;
  const selecting: SelectingHeaders = {
    method,
    range: headers.get("range"),
    ifRange: headers.get("if-range"),
    ifMatch: headers.get("if-match"),
    ifUnmodifiedSince: headers.get("if-unmodified-since"),
    ifNoneMatch: headers.get("if-none-match"),
    ifModifiedSince: headers.get("if-modified-since"),
  };
  const want = method === "HEAD" ? "head" : selecting.range === null ? "whole" : "part";
  return { request, target, method, selecting, want, facts };
}
