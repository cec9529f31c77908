import { assertEquals } from "@std/assert";
import {
  type CacheResult,
  cacheStatus,
  type CacheStatusFacts,
} from "../../src/decide/cache_status.ts";

const FRESH: CacheStatusFacts = { hadStored: true, upstream: "tuna", freshForMs: 59_999 };
const NOTHING: CacheStatusFacts = { hadStored: false, upstream: "tuna", freshForMs: null };

Deno.test("Cache-Status says how a request was answered", () => {
  const table: [result: CacheResult, facts: CacheStatusFacts, value: string][] = [
    ["HIT", FRESH, 'cache-proxy; hit; ttl=59; detail="tuna"'],
    ["HIT", { ...FRESH, freshForMs: null }, 'cache-proxy; hit; detail="tuna"'],
    ["HIT", { ...FRESH, upstream: null }, "cache-proxy; hit; ttl=59"],
    ["STALE", { ...FRESH, freshForMs: -1 }, 'cache-proxy; hit; ttl=-1; detail="tuna"'],
    ["REVALIDATED", FRESH, 'cache-proxy; fwd=stale; fwd-status=304; detail="tuna"'],
    ["MISS", NOTHING, 'cache-proxy; fwd=uri-miss; stored; detail="tuna"'],
    ["MISS", { ...NOTHING, hadStored: true }, 'cache-proxy; fwd=stale; stored; detail="tuna"'],
    ["JOINED", NOTHING, 'cache-proxy; fwd=uri-miss; collapsed; detail="tuna"'],
    ["JOINED", { ...NOTHING, hadStored: true }, 'cache-proxy; fwd=stale; collapsed; detail="tuna"'],
    ["BYPASS", NOTHING, 'cache-proxy; fwd=uri-miss; detail="tuna"'],
  ];
  for (const [result, facts, value] of table) assertEquals(cacheStatus(result, facts), value);
});

Deno.test("names are quoted as RFC 8941 strings", () => {
  const named = (upstream: string): string => cacheStatus("HIT", { ...FRESH, upstream });
  assertEquals(named('a"b\\c'), 'cache-proxy; hit; ttl=59; detail="a\\"b\\\\c"');
  assertEquals(named("é\n"), 'cache-proxy; hit; ttl=59; detail="??"');
});
