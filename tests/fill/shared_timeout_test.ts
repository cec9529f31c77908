import { assertEquals } from "@std/assert";
import { afterShared } from "../../src/fill/shared_timeout.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("timeouts of one length share one timer, and each runs out in its time", () => {
  const clock = new ManualClock();
  const out: string[] = [];
  const cancelA = afterShared(clock, 1000, () => out.push("a"));
  clock.advance(400);
  afterShared(clock, 1000, () => out.push("b"));
  afterShared(clock, 500, () => out.push("short"));
  const cancelC = afterShared(clock, 1000, () => out.push("c"));
  assertEquals(clock.pending, 2);
  cancelA();
  cancelC();
  clock.advance(999);
  assertEquals(out, ["short"]);
  clock.advance(1);
  assertEquals(out, ["short", "b"]);
  assertEquals(clock.pending, 0);
});

Deno.test("no timer is left when all of a length are cancelled, and none comes late", () => {
  const clock = new ManualClock();
  let calls = 0;
  for (let n = 0; n < 3; n++) afterShared(clock, 1000, () => calls++)();
  assertEquals(clock.pending, 0);
  afterShared(clock, 1000, () => {
    calls++;
    afterShared(clock, 1000, () => calls++);
  });
  // Set back: it waits no longer than from the start.
  clock.set(clock.now() - 3_600_000);
  clock.advance(1000);
  clock.advance(1000);
  clock.advance(1000);
  assertEquals([calls, clock.pending], [2, 0]);
});
