import type { Entry, Instant, Policy, RefreshAfter } from "../types.ts";

/** Whether a stored copy may be served without asking, and why. */
export type Freshness =
  | { readonly kind: "fresh"; readonly reason: "never-refreshed" | "young" }
  | { readonly kind: "stale"; readonly reason: "old" | "from-the-future" };

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
 * Judges a stored copy at the instant `now`. A copy that was validated later than now (the clock
 * was set back) counts as stale: nobody can say how old it is.
 */
export function freshness(entry: Entry, refreshAfter: RefreshAfter, now: Instant): Freshness {
  if (refreshAfter === "never") return { kind: "fresh", reason: "never-refreshed" };
  // Until its fields are read, such a copy is asked about each time.
  const refreshAfterMs = refreshAfter === "upstream" ? 0 : refreshAfter;
  const ageMs = now - entry.validatedAt;
  if (ageMs < 0) return { kind: "stale", reason: "from-the-future" };
  return ageMs < refreshAfterMs
    ? { kind: "fresh", reason: "young" }
    : { kind: "stale", reason: "old" };
}
