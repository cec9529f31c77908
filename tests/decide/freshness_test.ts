import { assertEquals } from "@std/assert";
import { freshness, policyFor } from "../../src/decide/freshness.ts";
import type { Policy, RefreshAfter } from "../../src/types.ts";
import { entry, NOON, pattern, policy } from "../support/facts.ts";

Deno.test("a copy is fresh until refresh-after has passed since it was last vouched for", () => {
  const table: [ageMs: number, refreshAfter: RefreshAfter, kind: string, reason: string][] = [
    [0, 1000, "fresh", "young"],
    [999, 1000, "fresh", "young"],
    [1000, 1000, "stale", "old"],
    [1e12, 1000, "stale", "old"],
    [0, 0, "stale", "old"],
    [1e15, "never", "fresh", "never-refreshed"],
    [-1, 1000, "stale", "from-the-future"],
    [-1e9, "never", "fresh", "never-refreshed"],
  ];
  for (const [ageMs, refreshAfter, kind, reason] of table) {
    const copy = entry({ storedAt: 0, validatedAt: NOON - ageMs });
    const { kind: actual, reason: why } = freshness(copy, refreshAfter, NOON);
    assertEquals([actual, why], [kind, reason], `${ageMs} of ${refreshAfter}`);
  }
});

Deno.test("the first policy that matches applies", () => {
  const policies: Policy[] = [
    policy({ match: pattern("\\.deb$"), refreshAfter: "never" }),
    policy({ match: pattern("^/debian/"), refreshAfter: 10 }),
    policy({ match: pattern(""), refreshAfter: 20 }),
  ];
  assertEquals(policyFor("/debian/x.deb", policies).refreshAfter, "never");
  assertEquals(policyFor("/debian/Release", policies).refreshAfter, 10);
  assertEquals(policyFor("/other", policies).refreshAfter, 20);
});
