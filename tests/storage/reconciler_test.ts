import { assertEquals } from "@std/assert";
import type { Reconciled } from "../../src/storage/reconcile.ts";
import { Reconciler } from "../../src/storage/reconciler.ts";
import { ManualClock } from "../support/manual_clock.ts";

const DAY_MS = 24 * 3_600_000;

const DONE: Reconciled = {
  complete: true,
  files: 0,
  dropped: 0,
  adopted: 0,
  changed: 0,
  orphans: 0,
  failed: 0,
};

/** Passes that end when the test says so. */
class Passes {
  begun = 0;
  readonly #ends: ((error?: Error) => void)[] = [];

  readonly pass = (signal: AbortSignal): Promise<Reconciled> => {
    this.begun++;
    return new Promise((resolve, reject) => {
      this.#ends.push((error) => error === undefined ? resolve(DONE) : reject(error));
      signal.addEventListener("abort", () => resolve({ ...DONE, complete: false }));
    });
  };

  async end(error?: Error): Promise<void> {
    this.#ends.shift()?.(error);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("a pass at first, one a day, one when asked for, never two at once", async () => {
  const clock = new ManualClock();
  const passes = new Passes();
  const reconciler = new Reconciler(passes.pass, clock);
  const stopping = new AbortController();
  const kept = reconciler.run(stopping.signal);
  assertEquals(passes.begun, 1);
  await passes.end();
  clock.advance(DAY_MS - 1);
  await passes.end();
  assertEquals(passes.begun, 1);
  clock.advance(1);
  await passes.end();
  assertEquals(passes.begun, 2);
  reconciler.wake();
  reconciler.wake();
  assertEquals(passes.begun, 2);
  // What failed is over as well.
  await passes.end(new Error("of a test"));
  assertEquals(passes.begun, 3);
  await passes.end();
  clock.advance(3 * DAY_MS);
  await passes.end();
  await passes.end();
  assertEquals(passes.begun, 4);
  stopping.abort();
  await kept;
  assertEquals(clock.pending, 0);
});

Deno.test("a pass under way ends with the signal, and none follows", async () => {
  const clock = new ManualClock();
  const passes = new Passes();
  const reconciler = new Reconciler(passes.pass, clock);
  const stopping = new AbortController();
  const kept = reconciler.run(stopping.signal);
  reconciler.wake();
  stopping.abort();
  await kept;
  assertEquals([passes.begun, clock.pending], [1, 0]);
});
