import { assert, assertEquals } from "@std/assert";
import {
  Breaker,
  FAILURES_TO_OPEN,
  FIRST_PAUSE_MS,
  JITTER,
  MAX_PAUSE_MS,
} from "../../src/fill/breaker.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A breaker whose pauses are as long as they are named. */
function breakerOf(random = 0.5) {
  const clock = new ManualClock();
  return { clock, breaker: new Breaker("mirror", { clock, random: () => random }) };
}

function failOften(breaker: Breaker, times = FAILURES_TO_OPEN): void {
  for (let n = 0; n < times; n++) breaker.failed();
}

Deno.test("a breaker opens after failures in a row, and not before", () => {
  const { breaker } = breakerOf();
  failOften(breaker, FAILURES_TO_OPEN - 1);
  breaker.succeeded();
  failOften(breaker, FAILURES_TO_OPEN - 1);
  assertEquals([breaker.state, breaker.standing], ["closed", "usual"]);
  breaker.failed();
  assertEquals([breaker.state, breaker.standing], ["open", "last"]);
});

Deno.test("an answer that is not whole does not make up for failures", () => {
  const { breaker } = breakerOf();
  for (let n = 0; n < FAILURES_TO_OPEN; n++) {
    breaker.answered();
    breaker.failed();
  }
  assertEquals(breaker.state, "open");
});

Deno.test("after its pause one question tries it, and no second one meanwhile", () => {
  const { breaker, clock } = breakerOf();
  failOften(breaker);
  clock.advance(FIRST_PAUSE_MS - 1);
  assertEquals(breaker.standing, "last");
  breaker.begin();
  assertEquals(breaker.state, "open");
  clock.advance(1);
  assertEquals(breaker.standing, "probe");
  breaker.begin();
  assertEquals([breaker.state, breaker.standing], ["half-open", "last"]);
  breaker.answered();
  assertEquals([breaker.state, breaker.standing], ["closed", "usual"]);
});

Deno.test("a try that fails makes the next pause twice as long, up to a bound", () => {
  const { breaker, clock } = breakerOf();
  failOften(breaker);
  for (let pauseMs = FIRST_PAUSE_MS, n = 0; n < 10; pauseMs *= 2, n++) {
    const expected = Math.min(pauseMs, MAX_PAUSE_MS);
    clock.advance(expected - 1);
    assertEquals(breaker.standing, "last", `pause ${n}`);
    clock.advance(1);
    assertEquals(breaker.standing, "probe", `pause ${n}`);
    breaker.begin();
    breaker.failed();
  }
  clock.advance(MAX_PAUSE_MS);
  breaker.begin();
  breaker.succeeded();
  failOften(breaker);
  clock.advance(FIRST_PAUSE_MS);
  assertEquals(breaker.standing, "probe");
});

Deno.test("pauses are spread, within bounds", () => {
  for (const [random, share] of [[0, 1 - JITTER], [0.999_999, 1 + JITTER]] as const) {
    const { breaker, clock } = breakerOf(random);
    failOften(breaker);
    clock.advance(FIRST_PAUSE_MS * share - 100);
    assertEquals(breaker.standing, "last");
    clock.advance(200);
    assertEquals(breaker.standing, "probe");
  }
});

Deno.test("a try of which nothing was learnt is made again after the same pause", () => {
  const { breaker, clock } = breakerOf();
  failOften(breaker);
  for (let n = 0; n < 3; n++) {
    clock.advance(FIRST_PAUSE_MS);
    breaker.begin();
    breaker.abandoned();
    assertEquals([breaker.state, breaker.standing], ["open", "last"]);
  }
});

Deno.test("failures of what began before it opened do not lengthen the pause", () => {
  const { breaker, clock } = breakerOf();
  failOften(breaker, FAILURES_TO_OPEN * 3);
  clock.advance(FIRST_PAUSE_MS);
  assertEquals(breaker.standing, "probe");
});

Deno.test("a clock that was set back leaves nobody out for longer", () => {
  let now = 1_000_000;
  const clock = { now: () => now, after: () => () => {} };
  const breaker = new Breaker("mirror", { clock, random: () => 0.5 });
  failOften(breaker);
  assertEquals(breaker.standing, "last");
  now = 0;
  assert(breaker.standing === "probe");
});
