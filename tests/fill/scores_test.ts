import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Scores } from "../../src/fill/scores.ts";

/** Scores in which each upstream has sent so many heads after so many milliseconds. */
function scoresOf(headsMs: Readonly<Record<string, number>>, heads = 10): Scores {
  const scores = new Scores();
  for (const [upstream, ms] of Object.entries(headsMs)) {
    for (let n = 0; n < heads; n++) scores.observeHead(upstream, ms);
  }
  return scores;
}

Deno.test("the fastest comes first, and who is not known right after it", () => {
  const scores = scoresOf({ slow: 300, fast: 50, middle: 100 });
  assertEquals(scores.rank(["new", "slow", "fast", "newer", "middle"]), [
    "fast",
    "new",
    "newer",
    "middle",
    "slow",
  ]);
});

Deno.test("among equals the order of the config decides", () => {
  assertEquals(new Scores().rank(["c", "a", "b"]), ["c", "a", "b"]);
  assertEquals(scoresOf({ a: 5, b: 5, c: 5 }).rank(["c", "a", "b"]), ["c", "a", "b"]);
});

Deno.test("a fast head counts for less than a slow body", () => {
  const scores = scoresOf({ quick: 10, strong: 100 });
  scores.observeBody("quick", 100_000, 1_000, false);
  scores.observeBody("strong", 10_000_000, 1_000, false);
  assertEquals(scores.rank(["quick", "strong"]), ["strong", "quick"]);
});

Deno.test("who fails falls behind, and comes back with what it gives later", () => {
  const scores = scoresOf({ a: 10, b: 100 });
  for (let n = 0; n < 3; n++) scores.observeFailure("a");
  assertEquals(scores.rank(["a", "b", "new"]), ["b", "new", "a"]);
  for (let n = 0; n < 20; n++) scores.observeSuccess("a");
  assertEquals(scores.rank(["a", "b"]), ["a", "b"]);
});

Deno.test("when all that are known fail, those that are not come first", () => {
  const scores = new Scores();
  for (let n = 0; n < 3; n++) scores.observeFailure("a");
  assertEquals(scores.rank(["a", "new"]), ["new", "a"]);
});

Deno.test("far ahead is who is well known, healthy and clearly faster", () => {
  const examples: [what: string, scores: Scores, isFarAhead: boolean][] = [
    ["much faster", scoresOf({ a: 50, b: 200 }), true],
    ["somewhat faster", scoresOf({ a: 50, b: 80 }), false],
    ["much faster by next to nothing", scoresOf({ a: 2, b: 20 }), false],
    ["seen four times", scoresOf({ a: 50, b: 200 }, 4), false],
    ["the other one not known", scoresOf({ a: 50 }), false],
    ["slower", scoresOf({ a: 200, b: 50 }), false],
  ];
  for (const [what, scores, expected] of examples) {
    assertEquals(scores.isFarAhead("a", "b"), expected, what);
  }
  const failing = scoresOf({ a: 50, b: 200 });
  failing.observeFailure("a");
  failing.observeFailure("b");
  assert(!failing.isFarAhead("a", "b"));
});

Deno.test("quick is who is well known, healthy and steady, and takes next to no time", () => {
  const examples: [what: string, scores: Scores, isQuick: boolean][] = [
    ["at once", scoresOf({ a: 2 }), true],
    ["in a moment", scoresOf({ a: 15 }, 30), true],
    ["not quite", scoresOf({ a: 25 }), false],
    ["seen four times", scoresOf({ a: 2 }, 4), false],
    ["not known", scoresOf({ b: 2 }), false],
  ];
  for (const [what, scores, expected] of examples) {
    assertEquals(scores.isQuick("a"), expected, what);
  }
  const failing = scoresOf({ a: 2 });
  failing.observeFailure("a");
  assert(!failing.isQuick("a"));
  const varying = new Scores();
  for (let n = 0; n < 20; n++) varying.observeHead("a", n % 2 === 0 ? 1 : 30);
  assert(!varying.isQuick("a"));
  const slow = scoresOf({ a: 2 });
  slow.observeBody("a", 10 * 1024 * 1024, 10_000, false);
  assert(!slow.isQuick("a"));
});

Deno.test("who always loses counts as clearly slower, who wins now and then does not", () => {
  const scores = scoresOf({ a: 50, b: 50, c: 50 });
  for (let n = 0; n < 20; n++) {
    scores.observeNoHead("b", 50);
    if (n % 2 === 0) scores.observeNoHead("c", 50);
    else scores.observeHead("c", 50);
  }
  assert(scores.isFarAhead("a", "b"));
  assert(!scores.isFarAhead("a", "c"));
});

Deno.test("what a lost race cannot tell does not make a slow upstream look better", () => {
  const scores = scoresOf({ slow: 500 });
  scores.observeNoHead("slow", 10);
  assertEquals(scores.of("slow")?.headMs, 500);
});

Deno.test("the usual time is the mean and some of what it varies by", () => {
  assertEquals(new Scores().usualHeadMs("a"), null);
  const steady = scoresOf({ a: 100 }, 50).usualHeadMs("a") ?? 0;
  assert(steady >= 100 && steady < 101, String(steady));
  const varying = new Scores();
  for (let n = 0; n < 50; n++) varying.observeHead("a", n % 2 === 0 ? 50 : 150);
  const usual = varying.usualHeadMs("a") ?? 0;
  assert(usual > 150 && usual < 300, String(usual));
});

Deno.test("a reader that took its time only raises the rate of an upstream", () => {
  const scores = new Scores();
  scores.observeBody("a", 1_000_000, 1_000, false);
  scores.observeBody("a", 1_000, 1_000, true);
  assertEquals(scores.bytesPerSecond("a"), 1_000_000);
  scores.observeBody("a", 5_000_000, 1_000, true);
  assertEquals(scores.bytesPerSecond("a"), 2_000_000);
  scores.observeBody("a", 5, 0, false);
  assertEquals(scores.bytesPerSecond("a"), 2_000_000);
});

Deno.test("scores are the same after they were written and read", () => {
  const observation = fc.tuple(
    fc.constantFrom("a", "b", "__proto__"),
    fc.nat(4),
    // Less than nothing: the clock was set back.
    fc.integer({ min: -10, max: 100_000 }),
  );
  fc.assert(fc.property(fc.array(observation), (observations) => {
    const scores = new Scores();
    for (const [upstream, kind, value] of observations) {
      if (kind === 0) scores.observeHead(upstream, value);
      if (kind === 1) scores.observeNoHead(upstream, value);
      if (kind === 2) scores.observeBody(upstream, value, value / 3, false);
      if (kind === 3) scores.observeFailure(upstream);
      if (kind === 4) scores.observeSuccess(upstream);
    }
    const read = new Scores();
    read.restore(JSON.parse(JSON.stringify(scores)));
    for (const upstream of ["a", "b", "__proto__"]) {
      assertEquals(read.of(upstream), scores.of(upstream));
    }
  }));
});

const GOOD = { headMs: 1, headDeviationMs: 0, heads: 1, bytesPerSecond: null, failureShare: 0 };

Deno.test("what is no score is refused as a whole", () => {
  const examples: unknown[] = [
    null,
    [],
    "scores",
    { b: null },
    { b: {} },
    { b: { ...GOOD, headMs: -1 } },
    { b: { ...GOOD, headMs: "1" } },
    { b: { ...GOOD, heads: null } },
    { b: { ...GOOD, failureShare: 1.01 } },
  ];
  for (const example of examples) {
    const scores = new Scores();
    const saved = typeof example === "object" && example !== null && !Array.isArray(example)
      ? { a: GOOD, ...example }
      : example;
    assertThrows(() => scores.restore(saved), TypeError, "Cannot restore scores", String(example));
    assertEquals(scores.of("a"), null);
  }
});

Deno.test("upstreams that are gone are forgotten", () => {
  const scores = scoresOf({ a: 1, b: 1 });
  const { revision } = scores;
  scores.retain(new Set(["a", "b", "c"]));
  assertEquals(scores.revision, revision);
  scores.retain(new Set(["b", "c"]));
  assertEquals([scores.of("a"), scores.of("b")?.headMs], [null, 1]);
  assert(scores.revision > revision);
});
