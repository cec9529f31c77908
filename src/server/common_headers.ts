import { type CacheResult, cacheStatus, type CacheStatusFacts } from "../decide/cache_status.ts";

/** Our name in `Via` and `Cache-Status`. */
export const PSEUDONYM = "cache-proxy";

/** The fields that every answer with a representation has. */
export function commonHeaders(
  result: CacheResult,
  facts: CacheStatusFacts,
): readonly (readonly [string, string])[] {
  return [
    ["accept-ranges", "bytes"],
    ["via", `1.1 ${PSEUDONYM}`],
    ["x-cache", result],
    ["cache-status", cacheStatus(result, facts)],
  ];
}
