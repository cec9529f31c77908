import { getLogger } from "@logtape/logtape";
import type { Cache } from "../cache/cache.ts";
import type { Asked, Outcome } from "../cache/outcome.ts";
import { firstValue, representationFields } from "../decide/fields.ts";
import { isForwarded } from "../decide/forward_space.ts";
import { planResponse } from "../decide/plan_response.ts";
import { isRegistryBase, registryTarget } from "../decide/registry/registry_target.ts";
import { Repeats } from "../decide/repeats.ts";
import { type Reach, routeRequest } from "../decide/route_request.ts";
import { type Problem, problemOf } from "../decide/trouble.ts";
import { StorageError } from "../errors.ts";
import type { Filler } from "../fill/fill.ts";
import type { AccessRule, AttemptFailure, Clock, Entry, Instant, VariantRule } from "../types.ts";
import type { Accel } from "./accel.ts";
import { logAccess } from "./access_log.ts";
import type { Arrivals } from "./arrivals.ts";
import type { ClientRequest } from "./client_request.ts";
import { commonHeaders } from "./common_headers.ts";
import { busyAnswer, errorAnswer, unavailableAnswer, upstreamErrorAnswer } from "./error_answer.ts";
import { type AccessFacts, type Exchange, exchangeOf } from "./exchange.ts";
import type { LinkRewriting } from "./link_rewriting.ts";
import { isLoop } from "./loop.ts";
import type { Outgoing } from "./outgoing.ts";
import type { QuickAnswers } from "./quick_answers.ts";
import { type Answer, renderPlan } from "./representation.ts";
import { registryBaseAnswer } from "./registry_base_answer.ts";
import { ruledAnswer } from "./ruled_answer.ts";
import { serveForwarded } from "./serve_forwarded.ts";
import { serveFilling, servePassing } from "./serve_filling.ts";
import type { ServerCounters } from "./server_counters.ts";
import { serveStored } from "./serve_stored.ts";

const log = getLogger(["cache-proxy", "server"]);

/**
 * How often a request looks for its file. A second time is the normal case of a stored file that was
 * removed by hand, or of a fill that broke off before this request had got a byte; a third one needs
 * bad luck as well.
 */
const MAX_LOOKUPS = 3;

/** A tunnel's bytes could neither be cached nor checked, and would lead anywhere. */
const NO_TUNNELS = "No tunnels are made: ask for http://HTTPS///host/path, which is fetched by TLS";

/** Why nobody was asked for what no upstream has. */
const NEGATIVE = "negative";

/** Whoever keeps what an operator should look at. */
export interface ProblemLog {
  /** Counts one that it knows. Never throws. */
  note(problem: Problem | null): void;
}

/** What answering takes. */
export interface HandlerParts {
  readonly cache: Cache;
  readonly filler: Filler;
  /** Whether no upstream is ever asked. */
  readonly isOffline: boolean;
  readonly clock: Clock;
  readonly accel: Accel | null;
  /** Where registries of container images are mounted, without a slash at their end. */
  readonly registries: readonly string[];
  /** What may be reached by way of us. */
  readonly reach: Reach;
  /** The first that matches counts. */
  readonly rules: readonly AccessRule[];
  readonly arrivals: Arrivals;
  /** What tells our own requests to upstreams from those of another cache-proxy, in `Via`. */
  readonly instance: string;
  readonly counters: ServerCounters;
  readonly quickAnswers: Pick<QuickAnswers, "keep"> | null;
  readonly problems: ProblemLog;
  readonly links: LinkRewriting;
  /** Which paths have several forms, one of which `Accept` chooses. */
  readonly variants: readonly VariantRule[];
}

/** The parts, and what one handler remembers. */
interface Context extends HandlerParts {
  readonly repeats: Repeats;
}

/** One request to one answer and one line in the access log. Never rejects. */
export function createHandler(
  parts: HandlerParts,
): (request: ClientRequest) => Promise<Outgoing> {
  const context: Context = { ...parts, repeats: new Repeats() };
  return async (request) => {
    const facts: AccessFacts = {
      method: request.method,
      path: pathOf(request.url),
      client: parts.arrivals.clientOf(request),
      startedAt: performance.now(),
      cache: null,
      upstream: null,
      reason: null,
    };
    let answer: Answer;
    try {
      answer = await answerRequest(request, context, facts);
    } catch (error) {
      log.error("Cannot answer {path}: {error}", { path: facts.path, error });
      answer = errorAnswer(500, "Internal error; the log has the details");
    }
    return outgoing(answer, facts, parts.counters);
  };
}

async function answerRequest(
  request: ClientRequest,
  context: Context,
  facts: AccessFacts,
): Promise<Answer> {
  const { method } = request;
  if (method === "CONNECT") {
    facts.reason = "method";
    return errorAnswer(405, NO_TUNNELS, { allow: "GET, HEAD" });
  }
  if (isLoop(request.headers.get("via"), context.instance)) {
    facts.reason = "loop";
    return errorAnswer(508, "This request came through this proxy before: an upstream leads back");
  }
  const { url, form, local } = request;
  const arrived = { url, form, local, host: request.headers.get("host") };
  const route = routeRequest(arrived, context.reach);
  if (route.kind === "refused") {
    facts.reason = route.reason;
    return errorAnswer(route.status, route.reason);
  }
  // What was sent holds a host, and may hold a password.
  if (form === "absolute" || route.via !== "own") facts.path = route.target.key;
  const ruled = ruledAnswer(route, context.rules, context.reach.upstreams);
  if (ruled !== null) {
    facts.reason = ruled.reason;
    return ruled.answer;
  }
  const { registries } = context;
  const target = registries.length === 0 ? route.target : registryTarget(route.target, registries);
  if (method !== "GET" && method !== "HEAD") {
    return await serveForwarded(request, target, context, facts);
  }
  if (registries.length > 0 && isRegistryBase(target.path)) {
    facts.reason = "registry-base";
    return registryBaseAnswer();
  }
  const exchange = exchangeOf(request, context.links.spelled(target), method, facts);
  const fields = fieldsOf(request, context.accel);
  const client = context.arrivals.identityOf(request);
  const asked = { target: exchange.target, want: exchange.want, fields, client };
  const answer = await answerAsked(asked, exchange, context);
  if (context.variants.some(({ match }) => match.test(target.path))) addVaryAccept(answer.headers);
  return answer;
}

/** Caches between us and the client are to know what has chosen the form. */
function addVaryAccept(headers: Answer["headers"]): void {
  const vary = headers.get("vary") ?? "";
  if (!/(?:^|,)\s*(?:accept|\*)\s*(?:,|$)/i.test(vary)) {
    headers.set("vary", vary === "" ? "Accept" : `${vary}, Accept`);
  }
}

/** What concerns the server in front of us and nobody behind us is left out. */
function fieldsOf({ headers }: ClientRequest, accel: Accel | null): Asked["fields"] {
  return () => [...headers].filter(([name]) => name !== accel?.enableByHeader);
}

async function answerAsked(asked: Asked, exchange: Exchange, context: Context): Promise<Answer> {
  let unreadable: Entry | null = null;
  for (let lookups = 0; lookups < MAX_LOOKUPS; lookups++) {
    const outcome: Outcome = await context.cache.get(asked, unreadable);
    note(exchange.facts, outcome);
    try {
      const answer = await context.links.answer(
        outcome,
        exchange,
        (outcome, exchange) => answerOutcome(outcome, exchange, context),
      );
      if (answer !== null) return answer;
    } catch (error) {
      if (outcome.kind !== "stored" || !(error instanceof StorageError)) throw error;
      // The disk does not give the bytes: an upstream may.
      unreadable = outcome.entry;
      tellUnreadable(outcome.entry, error, context);
    }
  }
  return errorAnswer(502, `The file was lost ${MAX_LOOKUPS} times, stored or on its way`);
}

function tellUnreadable({ key }: Entry, error: StorageError, context: Context): void {
  const { code, message: detail } = error;
  context.problems.note(problemOf({ kind: "unreadable", path: key, code, detail }));
  const untold = context.repeats.tell(code, context.clock.now());
  if (untold === null) return;
  log.error("Cannot read what is stored of {key}, {untold} more before: {error}", {
    key,
    untold,
    error,
  });
}

async function answerOutcome(
  outcome: Outcome,
  exchange: Exchange,
  parts: HandlerParts,
): Promise<Answer | null> {
  const { cache, clock, links } = parts;
  // What is made for this client's address is neither for others nor for a front server to send.
  const isOwn = links.appliesTo(exchange.target);
  const { accel, quickAnswers } = isOwn ? { accel: null, quickAnswers: null } : parts;
  switch (outcome.kind) {
    case "stored": {
      const now = clock.now();
      const answer = await serveStored(outcome, exchange, cache, accel, now);
      // What was asked of a proxy is found by no path, or by one that nobody may ask for.
      const isPath = exchange.request.form === "origin" && !isForwarded(exchange.target.path);
      if (answer?.status === 200 && isPath) quickAnswers?.keep(exchange, outcome, answer, now);
      return answer;
    }
    case "filling":
      return await serveFilling(outcome, exchange, cache, clock);
    case "passing":
      return await servePassing(outcome, exchange, clock.now());
    case "head":
      return await answerHead(outcome, exchange, clock.now());
    case "failed":
      return upstreamErrorAnswer(outcome.status, outcome.failures, outcome.rememberedForMs);
    case "unavailable":
      return unavailableAnswer(outcome.reason);
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
  const plan = planResponse(selecting, { ...head, available: 0 }, now);
  return await renderPlan(plan.kind === "wait" ? { kind: "whole" } : plan, "HEAD", {
    status: head.status,
    headers: headers as [string, string][],
    contentType: firstValue(head.headers, "content-type"),
    size: head.size,
    open: () => Promise.reject(new Error("A HEAD has no body")),
  });
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
  facts.reason = outcome.kind === "failed"
    ? failedReason(outcome.failures, outcome.rememberedForMs !== null)
    : outcome.reason;
}

function failedReason(failures: readonly AttemptFailure[], isRemembered: boolean): string {
  if (isRemembered) return NEGATIVE;
  return failures.length === 0 ? "no-upstream-for-path" : "no-upstream-delivered";
}

/** The answer, and its end for the access log and the counters. */
function outgoing(answer: Answer, facts: AccessFacts, counters: ServerCounters): Outgoing {
  const { status, headers, body } = answer;
  const tally = counters.answered(facts.cache, status);
  if (facts.reason === NEGATIVE && facts.cache === null) counters.negative++;
  return {
    status,
    headers,
    body: facts.method === "HEAD" ? null : body,
    // A large body is counted as it goes, not in one lump at its end.
    onBytes: (bytes) => void (tally.bytes += bytes),
    onEnd(bytes, brokenBy): void {
      if (brokenBy !== null) tally.broken++;
      logAccess(facts, status, bytes, brokenBy, performance.now());
    },
  };
}

/** For the log alone: what stands behind the authority. */
function pathOf(url: string): string {
  const slash = url.indexOf("/", url.indexOf("://") + 3);
  if (slash === -1) return "/";
  // In `HTTPS///user:password@host` the authority is a part of the path.
  return url.slice(slash).replace(/^((?:\/https)?\/\/\/)[^/]*@/i, "$1");
}
