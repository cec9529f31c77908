import type { Entry, Instant, Policy } from "../types.ts";

/** Whether a stored copy may be served without asking, and why. */
export type Freshness =
  | { readonly kind: "fresh"; readonly reason: "never-refreshed" | "young" }
  | { readonly kind: "stale"; readonly reason: "old" | "from-the-future" };

/**
 * How long copies of this path are fresh, in milliseconds: the first policy that matches, else the
 * default. null: for ever.
 */
export function refreshAfterMs(
  path: string,
  policies: readonly Policy[],
  defaultMs: number | null,
): number | null {
  const policy = policies.find((policy) => policy.match.test(path));
  return policy === undefined ? defaultMs : policy.refreshAfterMs;
}

/**
 * Judges a stored copy at the instant `now`. A copy that was validated later than now (the clock
 * was set back) counts as stale: nobody can say how old it is.
 */
export function freshness(entry: Entry, refreshAfterMs: number | null, now: Instant): Freshness {
  if (refreshAfterMs === null) return { kind: "fresh", reason: "never-refreshed" };
  const ageMs = now - entry.validatedAt;
  if (ageMs < 0) return { kind: "stale", reason: "from-the-future" };
  return ageMs < refreshAfterMs
    ? { kind: "fresh", reason: "young" }
    : { kind: "stale", reason: "old" };
}
