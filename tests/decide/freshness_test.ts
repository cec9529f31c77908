import { assertEquals } from "@std/assert";
import { freshness, refreshAfterMs } from "../../src/decide/freshness.ts";
import type { Policy } from "../../src/types.ts";
import { entry, NOON, pattern } from "../support/facts.ts";

Deno.test("a copy is fresh until refresh-after has passed since it was last vouched for", () => {
  const table: [ageMs: number, refreshAfter: number | null, kind: string, reason: string][] = [
    [0, 1000, "fresh", "young"],
    [999, 1000, "fresh", "young"],
    [1000, 1000, "stale", "old"],
    [1e12, 1000, "stale", "old"],
    [0, 0, "stale", "old"],
    [1e15, null, "fresh", "never-refreshed"],
    [-1, 1000, "stale", "from-the-future"],
    [-1e9, null, "fresh", "never-refreshed"],
  ];
  for (const [ageMs, refreshAfter, kind, reason] of table) {
    const copy = entry({ storedAt: 0, validatedAt: NOON - ageMs });
    const { kind: actual, reason: why } = freshness(copy, refreshAfter, NOON);
    assertEquals([actual, why], [kind, reason], `${ageMs} of ${refreshAfter}`);
  }
});

Deno.test("the first policy that matches applies, else the default", () => {
  const policies: Policy[] = [
    { match: pattern("\\.deb$"), refreshAfterMs: null },
    { match: pattern("^/debian/"), refreshAfterMs: 10 },
    { match: pattern("^/"), refreshAfterMs: 20 },
  ];
  assertEquals(refreshAfterMs("/debian/x.deb", policies, 5), null);
  assertEquals(refreshAfterMs("/debian/Release", policies, 5), 10);
  assertEquals(refreshAfterMs("/other", policies, 5), 20);
  assertEquals(refreshAfterMs("/other", policies.slice(0, 2), 5), 5);
  assertEquals(refreshAfterMs("/other", [], null), null);
});
