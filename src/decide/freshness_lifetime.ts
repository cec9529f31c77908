import type { Entry } from "../types.ts";
import { deltaSeconds, parseDirectives, targetedDirectives } from "./cache_control.ts";
import { dateField } from "./date_field.ts";

/** The share of its age that a file is guessed to stay unchanged: RFC 9111 section 4.2.2. */
const HEURISTIC_FRACTION = 0.1;

/** A file that did not change for years may do so tomorrow, and nobody has promised otherwise. */
export const MAX_HEURISTIC_MS = 24 * 60 * 60 * 1000;

/** RFC 9110 section 15.1. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set(
  [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501],
);

/** Whether a response with this status may be stored and reused though nothing in it says so. */
export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status);
}

/**
 * How long a stored response is fresh, from when it was generated, in milliseconds, never negative
 * ([RFC 9111 section 4.2.1](https://www.rfc-editor.org/rfc/rfc9111#section-4.2.1)).
 *
 * @param targeted Whether `CDN-Cache-Control` is preferred.
 */
export function freshnessLifetimeMs(
  stored: Pick<Entry, "status" | "headers" | "lastModified" | "validatedAt">,
  targeted: boolean,
): number {
  const { headers, validatedAt } = stored;
  const target = targeted ? targetedDirectives(headers) : null;
  const directives = target ?? parseDirectives(headers, "cache-control");
  const seconds = deltaSeconds(directives, "s-maxage") ?? deltaSeconds(directives, "max-age");
  if (seconds !== null) return seconds * 1000;

  const sent = dateField(headers, "date", validatedAt);
  const date = typeof sent === "number" ? sent : validatedAt;
  // RFC 9213 section 2.2: beside a targeted field `Expires` does not count.
  const expires = target === null ? dateField(headers, "expires", validatedAt) : "absent";
  // Section 5.3: "0" and whatever else is no date means that the response has expired.
  if (expires === "invalid") return 0;
  if (expires !== "absent") return Math.max(0, expires - date);

  if (!isHeuristicallyCacheable(stored.status) && !directives.has("public")) return 0;
  if (stored.lastModified === null) return 0;
  const guess = (date - stored.lastModified) * HEURISTIC_FRACTION;
  return Math.min(Math.max(0, guess), MAX_HEURISTIC_MS);
}
