import { getLogger } from "@logtape/logtape";
import type { Cache, Outcome } from "../cache/cache.ts";
import { firstValue, representationFields } from "../decide/fields.ts";
import { parseTarget } from "../decide/parse_target.ts";
import { planResponse } from "../decide/plan_response.ts";
import type { AttemptFailure, Clock, Instant, Target } from "../types.ts";
import type { Accel } from "./accel.ts";
import { logAccess } from "./access_log.ts";
import type { OpenBodies } from "./body_stream.ts";
import { commonHeaders } from "./common_headers.ts";
import { busyAnswer, errorAnswer, upstreamErrorAnswer } from "./error_answer.ts";
import { type AccessFacts, type Exchange, exchangeOf } from "./exchange.ts";
import { isLoop } from "./loop.ts";
import { type Answer, renderPlan } from "./representation.ts";
import { serveFilling, servePassing } from "./serve_filling.ts";
import { serveStored } from "./serve_stored.ts";

const log = getLogger(["cache-proxy", "server"]);

/**
 * How often a request looks for its file. A second time is the normal case of a stored file that was
 * removed by hand, or of a fill that broke off before this request had got a byte; a third one needs
 * bad luck as well.
 */
const MAX_LOOKUPS = 3;

/** What answering takes. */
export interface HandlerParts {
  readonly cache: Cache;
  readonly clock: Clock;
  readonly accel: Accel | null;
  /** Hosts, lower case, that a request in absolute form may name: ours and the upstreams'. */
  readonly ownHosts: ReadonlySet<string>;
  /** What tells our own requests to upstreams from those of another cache-proxy, in `Via`. */
  readonly instance: string;
  readonly openBodies: OpenBodies;
}

/** A handler for `Deno.serve`: one request to one answer and one line in the access log. */
export function createHandler(
  parts: HandlerParts,
): (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response> {
  return async (request, info) => {
    const facts: AccessFacts = {
      method: request.method,
      path: pathOf(request.url),
      client: "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "",
      startedAt: performance.now(),
      cache: null,
      upstream: null,
      reason: null,
    };
    let answer: Answer;
    try {
      answer = await answerRequest(request, parts, facts);
    } catch (error) {
      log.error("Cannot answer {path}: {error}", { path: facts.path, error });
      answer = errorAnswer(500, "Internal error; the log has the details");
    }
    return respond(answer, facts, parts.openBodies);
  };
}

async function answerRequest(
  request: Request,
  parts: HandlerParts,
  facts: AccessFacts,
): Promise<Answer> {
  const { method } = request;
  if (method !== "GET" && method !== "HEAD") {
    facts.reason = "method";
    return errorAnswer(405, "Only GET and HEAD are served", { allow: "GET, HEAD" });
  }
  if (isLoop(request.headers.get("via"), parts.instance)) {
    facts.reason = "loop";
    return errorAnswer(508, "This request came through this proxy before: an upstream leads back");
  }
  const parsed = parseTarget(request.url, request.headers.get("host"), parts.ownHosts);
  if (parsed.kind === "refused") {
    facts.reason = parsed.reason;
    return errorAnswer(parsed.status, parsed.reason);
  }
  const exchange = exchangeOf(request, method, facts);
  for (let lookups = 0; lookups < MAX_LOOKUPS; lookups++) {
    const answer = await answerTarget(parsed.target, exchange, parts);
    if (answer !== null) return answer;
  }
  return errorAnswer(502, `The file was lost ${MAX_LOOKUPS} times, stored or on its way`);
}

async function answerTarget(
  target: Target,
  exchange: Exchange,
  parts: HandlerParts,
): Promise<Answer | null> {
  const { cache, clock, accel } = parts;
  const outcome = await cache.get(target, exchange.want);
  note(exchange.facts, outcome);
  switch (outcome.kind) {
    case "stored":
      return await serveStored(outcome, exchange, cache, accel, clock.now());
    case "filling":
      return await serveFilling(outcome, exchange, cache, clock);
    case "passing":
      return await servePassing(outcome, exchange, clock.now());
    case "head":
      return await answerHead(outcome, exchange, clock.now());
    case "failed":
      return upstreamErrorAnswer(outcome.status, outcome.failures);
    case "refused":
      return busyAnswer(outcome.reason);
  }
}

/** The head that the same GET would get now. */
async function answerHead(
  { head }: Extract<Outcome, { kind: "head" }>,
  { selecting }: Exchange,
  now: Instant,
): Promise<Answer> {
  const status = { hadStored: false, upstream: head.upstream, freshForMs: null };
  const headers = [...representationFields(head), ...commonHeaders("MISS", status)];
  const plan = head.status === 200
    ? planResponse(selecting, { ...head, available: 0 }, now)
    : { kind: "whole" } as const;
  const answer = await renderPlan(plan.kind === "wait" ? { kind: "whole" } : plan, "HEAD", {
    headers: headers as [string, string][],
    contentType: firstValue(head.headers, "content-type"),
    size: head.size,
    open: () => Promise.reject(new Error("A HEAD has no body")),
  });
  return plan.kind === "whole" ? { ...answer, status: head.status } : answer;
}

function note(facts: AccessFacts, outcome: Outcome): void {
  switch (outcome.kind) {
    case "stored":
      facts.cache = outcome.result;
      facts.upstream = outcome.entry.upstream;
      break;
    case "filling":
      facts.cache = outcome.result;
      facts.upstream = outcome.head.upstream;
      break;
    case "passing":
    case "head":
      facts.cache = outcome.kind === "head" ? "MISS" : "BYPASS";
      facts.upstream = outcome.head.upstream;
      break;
  }
  facts.reason = outcome.kind === "failed" ? failedReason(outcome.failures) : outcome.reason;
}

function failedReason(failures: readonly AttemptFailure[]): string {
  return failures.length === 0 ? "no-upstream-for-path" : "no-upstream-delivered";
}

/** Hands the answer to the platform, and its end to the access log. */
function respond(answer: Answer, facts: AccessFacts, openBodies: OpenBodies): Response {
  const { status, headers, body } = answer;
  const log = (bytes: number, brokenBy: string | null): void =>
    logAccess(facts, status, bytes, brokenBy, performance.now());
  if (body instanceof ReadableStream) {
    return new Response(openBodies.watch(body, log), { status, headers });
  }
  const isHead = facts.method === "HEAD";
  log(isHead ? 0 : body?.byteLength ?? 0, null);
  return new Response(isHead ? null : body as Uint8Array<ArrayBuffer> | null, { status, headers });
}

/** For the log alone: what stands behind the authority. */
function pathOf(url: string): string {
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  return slash === -1 ? "/" : url.slice(slash);
}
