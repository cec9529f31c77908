/** How a request was answered, as `X-Cache` says it. */
export type CacheResult = "HIT" | "MISS" | "REVALIDATED" | "STALE" | "JOINED" | "BYPASS";

/** What `Cache-Status` tells beside the result. */
export interface CacheStatusFacts {
  /** Whether there was a stored copy that had to be revalidated. */
  readonly hadStored: boolean;
  /** Where the bytes came from; null for a file that was put into the tree by hand. */
  readonly upstream: string | null;
  /** How long the stored copy stays fresh, negative when it is stale; null: for ever, or no copy. */
  readonly freshForMs: number | null;
}

/**
 * The value of `Cache-Status` (RFC 9211). `hit` and `fwd` exclude each other (section 2.1); a stale
 * copy that is served is a hit with a negative `ttl` (section 3); a joiner was collapsed with
 * another request (section 2.6).
 */
export function cacheStatus(result: CacheResult, facts: CacheStatusFacts): string {
  const parts = ["cache-proxy", ...parameters(result, facts)];
  if (facts.upstream !== null) parts.push(`detail=${quoted(facts.upstream)}`);
  return parts.join("; ");
}

function parameters(result: CacheResult, facts: CacheStatusFacts): string[] {
  const forward = `fwd=${facts.hadStored ? "stale" : "uri-miss"}`;
  switch (result) {
    case "HIT":
    case "STALE":
      return facts.freshForMs === null
        ? ["hit"]
        : ["hit", `ttl=${Math.floor(facts.freshForMs / 1000)}`];
    case "REVALIDATED":
      return ["fwd=stale", "fwd-status=304"];
    case "MISS":
      return [forward, "stored"];
    case "JOINED":
      return [forward, "collapsed"];
    case "BYPASS":
      return [forward];
  }
}

/** RFC 8941 section 3.3.3: a string holds printable ASCII, with `"` and `\` escaped. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
