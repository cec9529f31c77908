import type { Policy } from "../types.ts";
import type { ParsedCache, ParsedPolicy } from "./cache_schema.ts";
import type { Config } from "./config.ts";
import { compilePattern } from "./go_pattern.ts";

/** The section `cache` as the layers below take it. */
export function toCacheSettings(cache: ParsedCache): Config["cache"] {
  const rest: ParsedPolicy = { match: compilePattern("") };
  return {
    policies: [...cache.policies, rest].map((policy) => toPolicy(policy, cache)),
    sets: cache.sets.map(({ match, anchor }) => ({ match, anchors: anchor })),
    variants: cache.variants,
    digests: cache.digests,
    limits: {
      maxBytes: cache["max-size"] ?? null,
      minFree: cache["min-free"],
      inactiveMs: cache.inactive,
      maxObjectBytes: cache["max-object-size"] ?? null,
    },
    memoryBytes: cache.memory,
    clientDirectives: cache["client-directives"],
    targetedDirectives: cache["targeted-directives"],
    offline: cache.offline,
  };
}

/** A policy, with what the section itself says where the policy has no word on it. */
function toPolicy(policy: ParsedPolicy, cache: ParsedCache): Policy {
  const staleIfError = policy["stale-if-error"];
  return {
    match: policy.match,
    refreshAfter: policy["refresh-after"] ?? cache.timeout,
    // null is a value here: always.
    staleIfErrorMs: staleIfError === undefined ? cache["stale-if-error"] : staleIfError,
    staleWhileRevalidateMs: policy["stale-while-revalidate"] ?? cache["stale-while-revalidate"],
    negative: toNegative(policy.negative ?? cache.negative),
  };
}

/** What is remembered for no time is left out. */
function toNegative(durations: Readonly<Record<string, number>>): ReadonlyMap<number, number> {
  return new Map(
    Object.entries(durations)
      .filter(([, ms]) => ms > 0)
      .map(([status, ms]) => [Number(status), ms]),
  );
}
