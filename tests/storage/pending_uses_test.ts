import { assertEquals } from "@std/assert";
import { MAX_PENDING_KEYS, PendingUses, type Uses } from "../../src/storage/pending_uses.ts";
import type { Key } from "../../src/types.ts";
import { HeldClock } from "./support.ts";

function make(): { uses: PendingUses; clock: HeldClock; batches: [Key, Uses][][] } {
  const clock = new HeldClock();
  const batches: [Key, Uses][][] = [];
  return { uses: new PendingUses((batch) => batches.push([...batch]), clock), clock, batches };
}

Deno.test("uses of a key are added up, the latest counts as last", () => {
  const { uses, batches } = make();
  for (const at of [5, 9, 7]) uses.add("/a", at);
  uses.add("/b", 1);
  assertEquals(batches, []);
  uses.flush();
  assertEquals(batches, [[["/a", { hits: 3, lastUsed: 9 }], ["/b", { hits: 1, lastUsed: 1 }]]]);
});

Deno.test("a flush without uses writes nothing", () => {
  const { uses, batches } = make();
  uses.flush();
  uses.add("/a", 1);
  uses.flush();
  uses.flush();
  assertEquals(batches.length, 1);
});

Deno.test("many keys are written at once, many uses of one are not", () => {
  const { uses, clock, batches } = make();
  for (let n = 0; n < 3 * MAX_PENDING_KEYS; n++) uses.add("/a", n);
  assertEquals(batches.length, 0);
  for (let n = 1; n < MAX_PENDING_KEYS; n++) uses.add(`/${n}`, n);
  assertEquals(batches.map((batch) => batch.length), [MAX_PENDING_KEYS]);
  assertEquals(clock.timers, 0);
});

Deno.test("one timer runs while uses are pending, and writes them", () => {
  const { uses, clock, batches } = make();
  assertEquals(clock.timers, 0);
  uses.add("/a", 1);
  uses.add("/b", 1);
  assertEquals(clock.timers, 1);
  clock.fire();
  assertEquals([batches.length, clock.timers], [1, 0]);
  uses.add("/a", 2);
  assertEquals(clock.timers, 1);
  uses.flush();
  assertEquals([batches.length, clock.timers], [2, 0]);
});
