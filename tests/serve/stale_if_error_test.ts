import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { Gate } from "../support/gate.ts";

const WEEK = 7 * 24 * HOUR;

/** What `cache` says, how old the copy is beyond its hour, and whether it stands in. */
const TABLE: [cache: Record<string, unknown>, staleForMs: number, standsIn: boolean][] = [
  [{}, 0, true],
  [{}, WEEK, true],
  [{ "stale-if-error": "always" }, WEEK, true],
  [{ "stale-if-error": "never" }, 1, false],
  [{ "stale-if-error": 0 }, 1, false],
  [{ "stale-if-error": "2h" }, 2 * HOUR - 1, true],
  [{ "stale-if-error": "2h" }, 2 * HOUR + 1, false],
  [{ policies: [{ match: "^/x$", "stale-if-error": "1m" }] }, 59_000, true],
  [{ policies: [{ match: "^/x$", "stale-if-error": "1m" }] }, 61_000, false],
  [{ policies: [{ match: "^/y$", "stale-if-error": "1m" }] }, 61_000, true],
  [{ "stale-if-error": "1m", policies: [{ match: "x", "stale-if-error": "always" }] }, WEEK, true],
  [{ policies: [{ match: "x", "stale-if-error": "never" }] }, 1, false],
];

Deno.test("a policy says for how long a stale copy stands in for mirrors that fail", async () => {
  for (const [cache, staleForMs, standsIn] of TABLE) {
    await using held = await stored({ config: { cache } });
    held.origin.answer = statusAnswer(500);
    held.clock.advance(HOUR + staleForMs);
    const label = JSON.stringify([cache, staleForMs]);
    assertEquals(await ask(held.proxy), standsIn ? "STALE hello" : "502", label);
    // It has not gone for that: a mirror may vouch for it.
    held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
    assertEquals(await ask(held.proxy), "REVALIDATED hello", label);
  }
});

Deno.test("silence ends in 504 where no stale copy may stand in", async () => {
  await using held = await stored({ config: { cache: { "stale-if-error": "never" } } });
  held.clock.advance(HOUR + 1);
  const gate = new Gate();
  held.origin.answer = async () => {
    await gate.opened;
    return new Response();
  };
  const asking = held.proxy.get("/x");
  await held.origin.asked.reaches(2);
  held.clock.advance(10_000);
  const { response, text } = await asking;
  assertEquals([response.status, response.headers.get("x-cache")], [504, "MISS"]);
  assertStringIncludes(text, "first: silent for 10000 ms");
  gate.open();
});

Deno.test("a stale copy says so in X-Cache, Cache-Status and Age", async () => {
  await using held = await stored();
  held.origin.answer = statusAnswer(500);
  held.clock.advance(3 * HOUR);
  const { response } = await held.proxy.get("/x");
  assertEquals(response.headers.get("x-cache"), "STALE");
  assertEquals(response.headers.get("age"), "10800");
  assertEquals(
    response.headers.get("cache-status"),
    'cache-proxy; hit; ttl=-7200; detail="first"',
  );
});
