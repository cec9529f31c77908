import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertSameBytes, randomBytes, readRest, readSome, textOf } from "../support/body.ts";
import { Gate, settle } from "../support/gate.ts";
import { endless, HeldFork, pulledNoMore, readerOf } from "../support/held_fork.ts";

const MIB = 1024 * 1024;

Deno.test("both branches get all bytes, the client before the body has ended", async () => {
  await using held = new HeldFork();
  const { lead } = held.start(true);
  const client = readerOf(lead);
  held.body.give("hel");
  assertEquals(textOf(await readSome(client, 3)), "hel");
  await held.written(3);
  held.body.give("lo");
  held.body.end();
  assertEquals(textOf(await readRest(client)), "lo");
  assertEquals((await held.finish()).kind, "complete");
  assertEquals(await Deno.readTextFile(held.file.path), "hello");
  assertEquals(held.follows, []);
});

Deno.test("without a leader the body goes to the file alone", async () => {
  await using held = new HeldFork();
  const { lead } = held.start(false);
  assertEquals(lead, null);
  held.body.give("hello");
  held.body.end();
  assertEquals((await held.finish()).kind, "complete");
  assertEquals(held.progress.written, 5);
});

Deno.test("a client that reads nothing slows nobody, and reads all of it afterwards", async () => {
  const all = randomBytes(40 * MIB);
  await using held = new HeldFork(endless(all));
  const { lead } = held.start(true);
  assertEquals((await held.finish()).kind, "complete");
  assertSameBytes(await Deno.readFile(held.file.path), all);
  assertSameBytes(await readRest(readerOf(lead)), all);
  assertEquals(held.follows, [0]);
});

Deno.test("a client that falls behind goes on from the file at its own byte", async () => {
  const all = randomBytes(24 * MIB);
  await using held = new HeldFork(endless(all));
  const { lead } = held.start(true);
  const client = readerOf(lead);
  const first = await client.read();
  assertEquals((await held.finish()).kind, "complete");
  const rest = await readRest(client);
  assertSameBytes(new Uint8Array([...first.value ?? []]), all.slice(0, 64 * 1024));
  assertSameBytes(rest, all.slice(64 * 1024));
  assertEquals(held.follows, [64 * 1024]);
});

Deno.test("the file is opened when the client falls behind, not when it asks again", async () => {
  // By then another copy could stand in its place.
  const all = randomBytes(20 * MIB);
  await using held = new HeldFork(endless(all));
  const { lead } = held.start(true);
  await held.finish();
  await Deno.remove(held.file.path);
  assertSameBytes(await readRest(readerOf(lead)), all);
});

Deno.test("a client that leaves does not stop the body", async () => {
  const all = randomBytes(20 * MIB);
  for (const readFirst of [0, 64 * 1024, 10 * MIB]) {
    await using held = new HeldFork(endless(all));
    const client = readerOf(held.start(true).lead);
    await readSome(client, readFirst);
    await client.cancel();
    assertEquals((await held.finish()).kind, "complete");
    assertSameBytes(await Deno.readFile(held.file.path), all);
  }
});

Deno.test("a client that leaves while its file is being opened leaves nothing open", {
  sanitizeResources: true,
}, async () => {
  await using held = new HeldFork(endless(randomBytes(20 * MIB)));
  const client = readerOf(held.start(true).lead);
  await held.finish();
  const reading = client.read();
  await client.cancel();
  await reading;
  await settle();
});

Deno.test("no more is taken from the mirror than the disk can follow", async () => {
  const all = randomBytes(40 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.held = new Gate();
  const client = readerOf(held.start(true).lead);
  // The client reads as fast as it can, and still waits for the disk.
  const reading = readRest(client);
  await pulledNoMore(held);
  assert(held.pulled > 3 * MIB && held.pulled < 5 * MIB, `${held.pulled} bytes were taken`);
  held.file.held.open();
  assertSameBytes(await reading, all);
  assertEquals((await held.finish()).kind, "complete");
});

Deno.test("small pieces are gathered while a write is under way", async () => {
  await using held = new HeldFork(endless(randomBytes(MIB), 1000));
  held.start(false);
  await held.finish();
  assertEquals(held.progress.written, MIB);
  assert(held.file.writes.length < 600, `${held.file.writes.length} writes`);
});

Deno.test("a piece is written without waiting for the next one", async () => {
  await using held = new HeldFork();
  held.start(false);
  for (let piece = 1; piece <= 3; piece++) {
    held.body.give("x");
    await held.written(piece);
  }
  held.body.end();
  await held.finish();
});

Deno.test("when the mirror breaks off the client's stream breaks, attached or not", async () => {
  for (const size of [3 * MIB, 20 * MIB]) {
    const all = randomBytes(size);
    const broken = endless(all).pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        flush: () => Promise.reject(new TypeError("reset")),
      }),
    );
    await using held = new HeldFork(broken);
    const client = readerOf(held.start(true).lead);
    assertEquals((await held.finish()).kind, "broken");
    await assertRejects(() => readRest(client));
  }
});

Deno.test("what was given up is broken, not complete", async () => {
  for (const wantsLead of [true, false]) {
    await using held = new HeldFork();
    held.start(wantsLead);
    held.body.give("hello");
    await held.written(5);
    held.source.cancel();
    assertEquals((await held.finish()).kind, "broken");
  }
});

Deno.test("what was given up while the disk was behind is broken, not complete", async () => {
  await using held = new HeldFork(endless(randomBytes(40 * MIB)));
  held.file.held = new Gate();
  held.start(false);
  await settle();
  held.source.cancel();
  held.file.held.open();
  assertEquals((await held.finish()).kind, "broken");
});
