import { assertEquals } from "@std/assert";
import { ProgressSignal } from "../../src/fill/progress_signal.ts";
import { Generations } from "../../src/server/workers/generations.ts";
import { SharedProgress, shareProgress } from "../../src/server/workers/shared_progress.ts";

Deno.test("a shared progress tells every step, and no step between a look and a wait is missed", async () => {
  // A wait alone does not keep the test running; a worker always has its port to listen to.
  const alive = setInterval(() => {}, 1000);
  using _ = { [Symbol.dispose]: () => clearInterval(alive) };
  const signal = new ProgressSignal();
  const memory = shareProgress(signal);
  assertEquals(shareProgress(signal), memory);
  const seen = new SharedProgress(memory);
  const late = new SharedProgress(memory);
  for (let step = 1; step <= 100; step++) {
    assertEquals([seen.written, seen.end], [step - 1, null]);
    const changed = seen.changed();
    signal.advance(step);
    await changed;
  }
  assertEquals(late.written, 100);
  signal.finish({ kind: "broken", reason: "ü".repeat(500) });
  // It was looked at before the end came.
  await late.changed();
  assertEquals(late.end?.kind, "broken");
  const { end } = late;
  assertEquals(end !== null && "reason" in end ? end.reason : null, "ü".repeat(120));
});

Deno.test("a change of an entry is seen by whoever shares the generations, and of no other", () => {
  const filling = new Generations();
  const serving = new Generations(filling.shared);
  const [x, y] = ["/x", "/y"].map((key) => filling.stampOf(key));
  if (x === undefined || y === undefined) throw new Error("No stamps");
  filling.changed("/x");
  assertEquals([serving.isCurrent(x), serving.isCurrent(y)], [false, true]);
  filling.changed(null);
  assertEquals(serving.isCurrent(y), false);
  assertEquals(serving.isCurrent(filling.stampOf("/x")), true);
});
