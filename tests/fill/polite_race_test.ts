import { assert, assertEquals } from "@std/assert";
import { FAILURES_TO_OPEN, FIRST_PAUSE_MS } from "../../src/fill/breaker.ts";
import type { FailureReason } from "../../src/types.ts";
import { Random } from "../support/random.ts";
import { type Script, ScriptedRace } from "../support/scripted_race.ts";

const REFUSED: FailureReason = { kind: "network", detail: "connection refused" };
const TEN = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"];

/** Ten mirrors; those that are not named answer after so many milliseconds. */
function ten(scripts: Record<string, Script> = {}, afterMs = 100): ScriptedRace {
  return new ScriptedRace(
    Object.fromEntries(TEN.map((name) => [name, scripts[name] ?? { afterMs }])),
  );
}

/** Ten mirrors of which one is known to be far ahead: 100 ms, and the others 500 ms. */
function oneFarAhead(scripts: Record<string, Script> = {}): ScriptedRace {
  const held = ten({ m7: { afterMs: 100 }, ...scripts }, 500);
  for (let n = 0; n < 10; n++) {
    for (const name of TEN) {
      held.standings.scores.observeHead(name, name === "m7" ? 100 : 500);
    }
  }
  return held;
}

/** How often each was asked, from the counters. */
function askedBy(held: ScriptedRace): Record<string, number> {
  const counters = Object.entries(held.standings.snapshot());
  return Object.fromEntries(counters.map(([name, { asked }]) => [name, asked]));
}

Deno.test("of ten mirrors of which nothing is known three are asked, in the config's order", async () => {
  const held = ten();
  await held.run();
  assertEquals(askedBy(held), { m0: 1, m1: 1, m2: 1 });
});

Deno.test("of ten mirrors that are much alike three are asked, each time", async () => {
  const held = ten();
  for (const name of TEN) {
    for (let n = 0; n < 10; n++) held.standings.scores.observeHead(name, name === "m4" ? 90 : 100);
  }
  await held.run();
  assertEquals(askedBy(held), { m4: 1, m0: 1, m1: 1 });
});

Deno.test("of ten mirrors one is asked when it is far ahead and answers in its usual time", async () => {
  const held = oneFarAhead();
  for (let n = 0; n < 10; n++) assertEquals(await held.run(), { won: "m7", ms: 100 });
  assertEquals(askedBy(held), { m7: 10 });
  const { won, lost, bytesWasted } = held.standings.snapshot()["m7"] ?? {};
  assertEquals([won, lost, bytesWasted], [10, 0, 0]);
});

Deno.test("of ten mirrors that are all quick the best is asked, the next when it is not quick", async () => {
  const held = ten({ m4: { afterMs: 4 } }, 5);
  for (const name of TEN) {
    for (let n = 0; n < 20; n++) held.standings.scores.observeHead(name, name === "m4" ? 4 : 5);
  }
  for (let n = 0; n < 5; n++) assertEquals((await held.run()).won, "m4");
  assertEquals(askedBy(held), { m4: 5 });
  const silent = ten({ m4: { afterMs: null } }, 5);
  for (const name of TEN) {
    for (let n = 0; n < 20; n++) silent.standings.scores.observeHead(name, name === "m4" ? 4 : 5);
  }
  assertEquals([(await silent.run()).won, silent.asked], ["m0", ["m4", "m0"]]);
});

Deno.test("the next joins when who is far ahead takes longer than usual", async () => {
  const held = oneFarAhead({ m7: { afterMs: null }, m0: { afterMs: 50 } });
  const { won, ms } = await held.run();
  assertEquals([won, held.asked], ["m0", ["m7", "m0"]]);
  // Its usual time is a little over 100 ms.
  assert(ms > 150 && ms < 300, String(ms));
  assertEquals(held.standings.snapshot()["m7"]?.lost, 1);
});

Deno.test("when who is far ahead fails the others are asked at once, not one after the other", async () => {
  const held = oneFarAhead({ m7: { afterMs: 20, failure: REFUSED }, m2: { afterMs: 30 } });
  assertEquals((await held.run()).won, "m2");
  assertEquals(held.asked, ["m7", "m0", "m1", "m2"]);
});

Deno.test("each failure brings in the next, until nobody is left", async () => {
  const script: Script = { afterMs: 10, failure: { kind: "status", status: 404 } };
  const held = new ScriptedRace(Object.fromEntries(TEN.map((name) => [name, script])));
  const result = held.start();
  while (held.asked.length < 10) await held.pass(10);
  await held.pass(10);
  const { won, failures } = await result;
  assertEquals([won, failures.map(({ upstream }) => upstream)], [null, TEN]);
  assertEquals(held.clock.pending, 0);
});

Deno.test("when nobody of the first three answers, one after the other joins", async () => {
  const silent = { afterMs: null };
  const held = ten({ m0: silent, m1: silent, m2: silent, m3: silent });
  const { won } = await held.run();
  assertEquals([won, held.asked], ["m4", ["m0", "m1", "m2", "m3", "m4"]]);
  assertEquals(held.clock.pending, 0);
});

Deno.test("who has given the first bytes has answered: nobody joins any more", async () => {
  const held = ten({ m0: { afterMs: 60_000, bytes: 10 }, m1: { afterMs: null } });
  held.scripts["m2"] = { afterMs: null };
  assertEquals((await held.run({ byBandwidth: true })).won, "m0");
  assertEquals(held.asked, ["m0", "m1", "m2"]);
});

Deno.test("a race by bandwidth compares, though one is far ahead", async () => {
  const held = oneFarAhead();
  await held.run({ byBandwidth: true });
  assertEquals(held.asked, ["m7", "m0", "m1"]);
});

Deno.test("the bytes of losers are counted as wasted", async () => {
  const held = ten({ m0: { afterMs: 50, bytes: 7 }, m1: { afterMs: 100, bytes: 5 } });
  await held.run();
  const { m0, m1, m2 } = held.standings.snapshot();
  assertEquals([m0?.bytesReceived, m0?.bytesWasted, m0?.won], [7, 0, 1]);
  assertEquals([m1?.bytesReceived, m1?.bytesWasted, m1?.lost], [5, 5, 1]);
  assertEquals(m2?.bytesWasted, 0);
});

Deno.test("the width bounds who is asked at once", async () => {
  for (const width of [1, 2, 5, 10, 64]) {
    const held = ten();
    await held.run({ width });
    assertEquals(held.asked, TEN.slice(0, width), `width ${width}`);
  }
});

Deno.test("one race in twenty asks one more, anyone of those behind", async () => {
  const held = oneFarAhead();
  const numbers = new Random(20260115);
  held.random = () => numbers.next() / 2 ** 32;
  const races = 2_000;
  let more = 0;
  const others = new Set<string>();
  for (let n = 0; n < races; n++) {
    held.asked.length = 0;
    void held.start();
    await held.pass(0);
    await held.pass(100);
    assertEquals(held.asked[0], "m7");
    assert(held.asked.length <= 2);
    if (held.asked.length === 2) more++;
    for (const name of held.asked.slice(1)) others.add(name);
  }
  assert(more > races / 20 * 0.7 && more < races / 20 * 1.3, `${more} of ${races}`);
  assertEquals([...others].sort(), TEN.filter((name) => name !== "m7"));
});

Deno.test("unknown mirrors are tried until all are known, the best one always among the first", async () => {
  const held = ten({ m1: { afterMs: 30 } });
  for (let n = 0; n < 5; n++) {
    assertEquals((await held.run()).won, "m1");
    assert(held.asked.slice(-3).includes("m1"));
  }
  assertEquals(Object.keys(askedBy(held)).sort(), TEN);
});

Deno.test("a mirror that keeps failing is left out, then tried, then asked again", async () => {
  const held = new ScriptedRace({
    bad: { afterMs: 10, failure: REFUSED },
    good: { afterMs: 50 },
  });
  for (let n = 0; n < FAILURES_TO_OPEN; n++) await held.run();
  const stateOf = () => held.standings.snapshot()["bad"]?.breaker;
  assertEquals([held.standings.snapshot()["bad"]?.failed, stateOf()], [
    { network: FAILURES_TO_OPEN },
    "open",
  ]);
  held.asked.length = 0;
  await held.run();
  assertEquals(held.asked, ["good"]);
  // One that is tried and fails is left out again.
  await held.pass(FIRST_PAUSE_MS);
  await held.run();
  await held.run();
  assertEquals([held.asked, stateOf()], [["good", "good", "bad", "good"], "open"]);
  held.scripts["bad"] = { afterMs: 10 };
  await held.pass(FIRST_PAUSE_MS * 2);
  assertEquals((await held.run()).won, "bad");
  assertEquals(stateOf(), "closed");
});

Deno.test("who is left out is asked when all others of the group have failed", async () => {
  const held = new ScriptedRace({
    bad: { afterMs: 10, failure: REFUSED },
    good: { afterMs: 50 },
    lower: { afterMs: 50 },
  });
  const groups = [["bad", "good"], ["lower"]];
  for (let n = 0; n < FAILURES_TO_OPEN; n++) await held.run({}, groups);
  held.scripts = { ...held.scripts, bad: { afterMs: 10 } };
  held.scripts["good"] = { afterMs: 10, failure: { kind: "status", status: 404 } };
  held.asked.length = 0;
  assertEquals((await held.run({}, groups)).won, "bad");
  assertEquals(held.asked, ["good", "bad"]);
});

Deno.test("when all are left out all are asked", async () => {
  const failing = { afterMs: 10, failure: REFUSED };
  const held = new ScriptedRace({ a: failing, b: failing, c: failing, d: failing });
  for (let n = 0; n < FAILURES_TO_OPEN; n++) await held.run();
  const states = Object.values(held.standings.snapshot()).map(({ breaker }) => breaker);
  assertEquals(states, ["open", "open", "open", "open"]);
  held.asked.length = 0;
  assertEquals((await held.run()).won, null);
  assertEquals(held.asked.toSorted(), ["a", "b", "c", "d"]);
  held.scripts["d"] = { afterMs: 10 };
  assertEquals((await held.run()).won, "d");
  assertEquals(held.standings.snapshot()["d"]?.breaker, "closed");
});

Deno.test("what a mirror says of a file, and a lost race, are no failures of the mirror", async () => {
  const ofTheFile: FailureReason[] = [
    { kind: "status", status: 404 },
    { kind: "status", status: 410 },
    { kind: "status", status: 403 },
    { kind: "status", status: 429 },
    { kind: "html" },
    { kind: "differs", detail: "other" },
  ];
  for (const failure of ofTheFile) {
    const held = new ScriptedRace({ a: { afterMs: 10, failure }, good: { afterMs: 50 } });
    for (let n = 0; n < FAILURES_TO_OPEN * 2; n++) await held.run();
    assertEquals(held.standings.snapshot()["a"]?.breaker, "closed", JSON.stringify(failure));
    assertEquals(held.standings.scores.of("a")?.failureShare, 0);
  }
  const losing = new ScriptedRace({ a: { afterMs: null }, good: { afterMs: 10 } });
  for (let n = 0; n < FAILURES_TO_OPEN * 2; n++) await losing.run({ byBandwidth: true });
  const { breaker, failed, lost } = losing.standings.snapshot()["a"] ?? {};
  assertEquals([breaker, failed, lost], ["closed", {}, FAILURES_TO_OPEN * 2]);
});
