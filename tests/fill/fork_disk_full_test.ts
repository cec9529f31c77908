import { assert, assertEquals } from "@std/assert";
import { assertSameBytes, randomBytes, readRest } from "../support/body.ts";
import { endless, HeldFork, readerOf } from "../support/held_fork.ts";

const MIB = 1024 * 1024;

Deno.test("disk full: a client that keeps up gets all bytes from its own branch", async () => {
  const all = randomBytes(20 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.capacity = 5 * MIB;
  const { lead, drained } = held.start(true);
  const reading = readRest(readerOf(lead));
  const end = await held.finish();
  assert(end.kind === "unstorable" && end.rest === null);
  assertSameBytes(await reading, all);
  await drained;
});

Deno.test("disk full: a client that follows the file claims the rest", async () => {
  const all = randomBytes(30 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.capacity = 20 * MIB + 1;
  const { lead, drained } = held.start(true);
  const end = await held.finish();
  assert(end.kind === "unstorable" && end.rest !== null);
  assertSameBytes(await readRest(readerOf(lead)), all);
  await drained;
});

Deno.test("disk full without a leader: the rest is there for one reader", async () => {
  const all = randomBytes(20 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.capacity = 3 * MIB + 7;
  const { drained } = held.start(false);
  const end = await held.finish();
  assert(end.kind === "unstorable" && end.rest !== null);
  const rest = await readRest(end.rest.getReader());
  // What a write left half done is part of the rest.
  assertSameBytes(rest, all.slice(held.progress.written));
  await drained;
});

Deno.test("disk full: a rest that is given up ends the request", async () => {
  for (const wantsLead of [true, false]) {
    await using held = new HeldFork(endless(randomBytes(30 * MIB)));
    held.file.capacity = 20 * MIB;
    const { lead, drained } = held.start(wantsLead);
    const end = await held.finish();
    assert(end.kind === "unstorable");
    await end.rest?.cancel();
    await drained;
    assert(held.controller.signal.aborted);
    await lead?.cancel();
  }
});

Deno.test("disk full at the last byte: whoever leads has them all", async () => {
  const all = randomBytes(2 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.capacity = all.byteLength - 1;
  const { lead, drained } = held.start(true);
  const end = await held.finish();
  assertEquals(end.kind, "unstorable");
  assertSameBytes(await readRest(readerOf(lead)), all);
  await drained;
});
