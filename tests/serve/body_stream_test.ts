import { assertEquals, assertRejects } from "@std/assert";
import { concatenated, OpenBodies } from "../../src/server/body_stream.ts";
import { bytesOf, HandFedBody, readAll, textOf } from "../support/body.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MINUTE = 60_000;

/** A watched body, and how it ended. */
function watched() {
  const body = new HandFedBody();
  const ends: [bytes: number, brokenBy: string | null][] = [];
  const clock = new ManualClock();
  const open = new OpenBodies(clock);
  const reader = open.watch(body.stream, (...end) => void ends.push(end)).getReader();
  return { body, ends, open, reader, clock };
}

Deno.test("a body that was sent whole ends once, with its bytes", async () => {
  const { body, ends, open, reader } = watched();
  body.give("hel");
  body.give("lo");
  body.end();
  while (!(await reader.read()).done);
  open.cutAll();
  assertEquals(ends, [[5, null]]);
});

Deno.test("a client that takes nothing for ten minutes is cut, a slow one and a slow mirror are not", async () => {
  const stuck = watched();
  stuck.body.give("hello");
  await stuck.reader.read();
  stuck.clock.advance(9.5 * MINUTE);
  assertEquals(stuck.ends, []);
  stuck.clock.advance(MINUTE);
  assertEquals([stuck.ends, stuck.body.cancelled], [[[5, "the client takes nothing"]], true]);
  await assertRejects(() => stuck.reader.read(), Error, "the client takes nothing");
  assertEquals(stuck.clock.pending, 0);

  const slow = watched();
  for (let piece = 0; piece < 5; piece++) {
    slow.body.give("hello");
    await slow.reader.read();
    slow.clock.advance(9 * MINUTE);
  }
  const reading = slow.reader.read();
  await settle();
  slow.clock.advance(60 * MINUTE);
  slow.body.give("!");
  assertEquals(textOf((await reading).value ?? new Uint8Array()), "!");
  assertEquals(slow.ends, []);
  await slow.reader.cancel();
});

Deno.test("a body that breaks, a client that leaves and a cut are told apart", async () => {
  const broken = watched();
  broken.body.give("hel");
  await broken.reader.read();
  broken.body.fail(new Error("the mirror broke off"));
  await assertRejects(() => broken.reader.read());
  assertEquals(broken.ends, [[3, "the mirror broke off"]]);

  const left = watched();
  left.body.give("hello");
  await left.reader.read();
  await left.reader.cancel();
  assertEquals([left.ends, left.body.cancelled], [[[5, "the client left"]], true]);

  const cut = watched();
  const reading = cut.reader.read();
  cut.open.cutAll();
  await assertRejects(() => reading);
  assertEquals([cut.ends, cut.body.cancelled], [[[0, "the proxy is shutting down"]], true]);
  cut.open.cutAll();
  assertEquals(cut.ends.length, 1);
});

Deno.test("parts follow each other, each opened when the one before it has ended", async () => {
  const opened: string[] = [];
  const part = (text: string, inMemory: boolean) => () => {
    opened.push(text);
    return Promise.resolve(inMemory ? bytesOf(text) : ReadableStream.from([bytesOf(text)]));
  };
  const stream = concatenated([
    () => bytesOf("<"),
    part("a", false),
    part("b", true),
    () => bytesOf(">"),
  ]);
  assertEquals(opened, []);
  assertEquals(textOf(await readAll(stream)), "<ab>");
  assertEquals(opened, ["a", "b"]);
});

Deno.test("a part that was being opened when the reader left is closed", async () => {
  const part = new HandFedBody();
  const opening = Promise.withResolvers<ReadableStream<Uint8Array>>();
  const reader = concatenated([() => opening.promise]).getReader();
  const reading = reader.read();
  await settle();
  await reader.cancel();
  opening.resolve(part.stream);
  await reading;
  await settle();
  assertEquals(part.cancelled, true);
});

Deno.test("a part that cannot be opened breaks the whole", async () => {
  const stream = concatenated([() => bytesOf("<"), () => Promise.reject(new Error("gone"))]);
  await assertRejects(() => readAll(stream), Error, "gone");
});
