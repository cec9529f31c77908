import type { Entry, Instant, Policy } from "../types.ts";
import { deltaSeconds, type Directives, responseDirectives } from "./cache_control.ts";
import { freshnessLifetimeMs } from "./freshness_lifetime.ts";
import { currentAgeMs } from "./response_age.ts";
import { varyNames } from "./vary.ts";

/** What else decides whether a stored copy may be served. */
export interface ReuseQuestion {
  readonly now: Instant;
  /** Whether `CDN-Cache-Control` is preferred. */
  readonly targeted: boolean;
  /** The client's directives; empty when they are ignored. */
  readonly request: Directives;
}

/** Whether a stored copy may be served without asking, and why. */
export type Reuse =
  | {
    readonly kind: "fresh";
    readonly reason: "never-refreshed" | "young" | "max-stale";
    /** Negative when the client accepts a stale copy; null: for ever. */
    readonly freshForMs: number | null;
  }
  | {
    readonly kind: "stale";
    readonly reason: StaleReason;
    /** At most 0, unless the copy is too old for this client only; null: then for ever. */
    readonly freshForMs: number | null;
    readonly mayServeWhileRevalidating: boolean;
    /** Whether the copy may stand in for upstreams that fail. */
    readonly mayServeOnError: boolean;
  };

/** Why a copy has to be revalidated. */
export type StaleReason = "old" | "from-the-future" | "no-cache" | ClientLimit;

/** What the client asks for and the copy does not have. */
type ClientLimit = "client-no-cache" | "client-max-age" | "client-min-fresh";

/** What the policy, and in `upstream` mode the response, says of a copy at an instant. */
interface Appraisal {
  readonly ageMs: number;
  /** null: fresh for ever. */
  readonly freshForMs: number | null;
  /** Why the copy is stale whatever its age. */
  readonly unusable: "from-the-future" | "no-cache" | null;
  /** Whether the response forbids that it is served when it is stale. */
  readonly forbidsStale: boolean;
  readonly staleWhileRevalidateMs: number;
  /** null: always. */
  readonly staleIfErrorMs: number | null;
}

/**
 * The first policy whose pattern matches.
 *
 * @param policies The last of them matches every path.
 */
export function policyFor(path: string, policies: readonly Policy[]): Policy {
  const policy = policies.find(({ match }) => match.test(path));
  if (policy === undefined) throw new Error(`Cannot find a policy for ${path}: none matches all`);
  return policy;
}

/**
 * Judges a stored copy. One that was validated later than now (the clock was set back) counts as
 * stale, unless it never gets stale: nobody can say how old it is.
 */
export function judgeReuse(entry: Entry, policy: Policy, question: ReuseQuestion): Reuse {
  const { request } = question;
  const copy = appraise(entry, policy, question);
  const { freshForMs, unusable } = copy;
  const staleForMs = Math.max(0, -(freshForMs ?? 0));
  const isOld = freshForMs !== null && freshForMs <= 0;
  const limit = clientLimit(copy, request);
  const forbidden = unusable === "no-cache" || (copy.forbidsStale && isOld);

  if (unusable === null && limit === null) {
    if (freshForMs === null) return { kind: "fresh", reason: "never-refreshed", freshForMs };
    if (!isOld) return { kind: "fresh", reason: "young", freshForMs };
    if (!forbidden && accepts(request, staleForMs)) {
      return { kind: "fresh", reason: "max-stale", freshForMs };
    }
  }
  return {
    kind: "stale",
    reason: unusable ?? (limit === null || (isOld && limit !== "client-no-cache") ? "old" : limit),
    freshForMs,
    mayServeWhileRevalidating: !forbidden && limit === null &&
      staleForMs < copy.staleWhileRevalidateMs,
    mayServeOnError: !forbidden && limit !== "client-no-cache" &&
      withinErrorBound(copy, request, staleForMs),
  };
}

function appraise(entry: Entry, policy: Policy, { now, targeted }: ReuseQuestion): Appraisal {
  const { refreshAfter } = policy;
  if (refreshAfter === "upstream") return appraiseByResponse(entry, policy, now, targeted);
  const ageMs = now - entry.validatedAt;
  const fromTheFuture = refreshAfter !== "never" && ageMs < 0;
  const freshForMs = refreshAfter === "never" ? null : refreshAfter - ageMs;
  return {
    ageMs,
    freshForMs: fromTheFuture ? Math.min(0, freshForMs ?? 0) : freshForMs,
    unusable: fromTheFuture ? "from-the-future" : null,
    forbidsStale: false,
    staleWhileRevalidateMs: policy.staleWhileRevalidateMs,
    staleIfErrorMs: policy.staleIfErrorMs,
  };
}

/** RFC 9111 section 4.2, RFC 5861. */
function appraiseByResponse(
  entry: Entry,
  policy: Policy,
  now: Instant,
  targeted: boolean,
): Appraisal {
  const directives = responseDirectives(entry.headers, targeted);
  const ageMs = currentAgeMs(entry, now);
  const freshForMs = freshnessLifetimeMs(entry, targeted) - ageMs;
  const noCache = mustBeValidated(entry, directives) ? "no-cache" : null;
  const unusable = noCache ?? (now < entry.validatedAt ? "from-the-future" : null);
  const ownWhileRevalidating = deltaSeconds(directives, "stale-while-revalidate") ?? 0;
  const ownIfError = deltaSeconds(directives, "stale-if-error");
  return {
    ageMs,
    freshForMs: unusable === null ? freshForMs : Math.min(0, freshForMs),
    unusable,
    // Sections 4.2.4 and 5.2.2.10: `s-maxage` says the same as `proxy-revalidate`.
    forbidsStale: ["must-revalidate", "proxy-revalidate", "s-maxage"]
      .some((name) => directives.has(name)),
    staleWhileRevalidateMs: Math.max(policy.staleWhileRevalidateMs, ownWhileRevalidating * 1000),
    staleIfErrorMs: ownIfError === null ? policy.staleIfErrorMs : ownIfError * 1000,
  };
}

/**
 * Section 5.2.2.4: the form of `no-cache` that names fields counts like the bare one, as in most
 * caches. What may not be stored at all was allowed when it came: a 304 has said so since, or the
 * policy was another one.
 */
function mustBeValidated({ headers }: Entry, directives: Directives): boolean {
  if (directives.has("no-cache") || directives.has("private")) return true;
  if (directives.has("no-store") && !directives.has("must-understand")) return true;
  return varyNames(headers) === "*";
}

/** RFC 9111 section 5.2.1: what the client wants beyond what is enough for others. */
function clientLimit(copy: Appraisal, request: Directives): ClientLimit | null {
  if (request.has("no-cache")) return "client-no-cache";
  const maxAge = deltaSeconds(request, "max-age");
  if (maxAge !== null && copy.ageMs > maxAge * 1000) return "client-max-age";
  const minFresh = deltaSeconds(request, "min-fresh");
  if (minFresh === null || copy.freshForMs === null) return null;
  return copy.freshForMs < minFresh * 1000 ? "client-min-fresh" : null;
}

/** RFC 9111 section 5.2.1.2: `max-stale` without a value takes a stale copy of any age. */
function accepts(request: Directives, staleForMs: number): boolean {
  if (request.get("max-stale") === null) return true;
  const maxStale = deltaSeconds(request, "max-stale");
  return maxStale !== null && staleForMs <= maxStale * 1000;
}

/** RFC 5861 section 4: the client's word counts before the response's, that before the policy's. */
function withinErrorBound(copy: Appraisal, request: Directives, staleForMs: number): boolean {
  const own = deltaSeconds(request, "stale-if-error");
  const bound = own === null ? copy.staleIfErrorMs : own * 1000;
  return bound === null || staleForMs <= bound;
}
