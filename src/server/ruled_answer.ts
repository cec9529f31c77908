import { accessRuleFor } from "../decide/access_rule.ts";
import { candidateGroups } from "../decide/candidates.ts";
import type { Route } from "../decide/route_request.ts";
import type { AccessRule, Upstream } from "../types.ts";
import { PSEUDONYM } from "./common_headers.ts";
import { errorAnswer, upstreamErrorAnswer } from "./error_answer.ts";
import type { Answer } from "./representation.ts";

const DENIED = "This path is denied by the rules of this server";

/** An answer that a rule gives, and which kind of rule that was. */
export interface RuledAnswer {
  readonly answer: Answer;
  readonly reason: "denied" | "direct";
}

/** What a rule answers to a request, in place of the cache; null: the cache may be asked. */
export function ruledAnswer(
  { target, via }: Extract<Route, { kind: "target" }>,
  rules: readonly AccessRule[],
  upstreams: readonly Upstream[],
): RuledAnswer | null {
  const rule = accessRuleFor(target.path, rules);
  if (rule === null || rule.action === "allow") return null;
  if (rule.action === "deny") {
    return {
      answer: errorAnswer(403, rule.reason === "" ? DENIED : rule.reason),
      reason: "denied",
    };
  }
  // To whoever asks a proxy the answer would be the URL that it has asked for.
  if (via !== "own") {
    const text = "This path is not proxied (rules: direct): ask the server itself, without a proxy";
    return { answer: errorAnswer(403, text), reason: "direct" };
  }
  const [first] = candidateGroups(target, upstreams).flat();
  const answer = first === undefined
    ? upstreamErrorAnswer(404, [], null)
    : errorAnswer(307, "This path is not proxied: ask the mirror itself", {
      location: first.url,
      "cache-status": `${PSEUDONYM}; fwd=bypass; detail=direct`,
    });
  return { answer, reason: "direct" };
}
