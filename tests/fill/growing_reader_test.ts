import { assertEquals, assertRejects } from "@std/assert";
import type { FillEnd } from "../../src/fill/fill.ts";
import { type Followed, followGrowing, type OpenStored } from "../../src/fill/growing_reader.ts";
import { ProgressSignal } from "../../src/fill/progress_signal.ts";
import { HandFedBody, readAll, readRest, readSome, textOf } from "../support/body.ts";
import { entry } from "../support/facts.ts";
import { settle } from "../support/gate.ts";

const STORED: FillEnd = { kind: "stored", entry: entry() };
const BROKEN: FillEnd = { kind: "broken", reason: "the mirror broke off" };
const UNSTORABLE: FillEnd = { kind: "unstorable", reason: "the disk takes no more" };

/** A fill that writes what the test says. */
class HeldFill implements Followed, Disposable {
  readonly progress = new ProgressSignal();
  readonly directory = Deno.makeTempDirSync();
  path: string | null = `${this.directory}/partial`;
  rest: ReadableStream<Uint8Array> | null = null;
  claims = 0;

  constructor() {
    Deno.writeTextFileSync(`${this.directory}/partial`, "");
  }

  write(text: string): void {
    Deno.writeTextFileSync(`${this.directory}/partial`, text, { append: true });
    this.progress.advance(this.progress.written + text.length);
  }

  /** As a commit does: first the rename, then the end. */
  publish(): void {
    Deno.renameSync(`${this.directory}/partial`, `${this.directory}/stored`);
    this.progress.finish(STORED);
  }

  openStored: OpenStored = async () => {
    const file = await Deno.open(`${this.directory}/stored`);
    return { file, [Symbol.dispose]: () => file.close() };
  };

  claimRest(): ReadableStream<Uint8Array> | null {
    this.claims++;
    const rest = this.rest;
    this.rest = null;
    return rest;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

async function follow(
  fill: HeldFill,
  start = 0,
  end: number | null = null,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  return (await followGrowing(fill, start, end, fill.openStored)).getReader();
}

Deno.test("a reader gets bytes as they come, and the end when it is there", async () => {
  using fill = new HeldFill();
  const reader = await follow(fill);
  fill.write("hel");
  assertEquals(textOf(await readSome(reader, 3)), "hel");
  fill.write("lo");
  assertEquals(textOf(await readSome(reader, 2)), "lo");
  fill.publish();
  assertEquals(textOf(await readRest(reader)), "");
});

Deno.test("a part is read without waiting for the rest", async () => {
  using fill = new HeldFill();
  fill.write("hello");
  assertEquals(textOf(await readRest(await follow(fill, 1, 3))), "el");
  assertEquals(textOf(await readRest(await follow(fill, 0, 0))), "");
});

Deno.test("a part that is not there yet is waited for", async () => {
  using fill = new HeldFill();
  const reader = await follow(fill, 3, 5);
  const reading = readRest(reader);
  fill.write("hel");
  await settle();
  fill.write("lo, world");
  assertEquals(textOf(await reading), "lo");
});

Deno.test("who waits when the body breaks off, fails; what was written is still read", async () => {
  using fill = new HeldFill();
  const waiting = await follow(fill, 0, 5);
  fill.write("hel");
  const behind = await follow(fill, 0, 5);
  assertEquals(textOf(await readSome(waiting, 3)), "hel");
  const reading = readRest(waiting);
  await settle();
  fill.progress.finish(BROKEN);
  await assertRejects(() => reading, Error, "the mirror broke off");
  assertEquals(textOf(await readSome(behind, 3)), "hel");
  await assertRejects(() => readRest(behind), Error, "the mirror broke off");
});

Deno.test("a part that was written whole is read whole, though the body breaks off", async () => {
  using fill = new HeldFill();
  fill.write("hello");
  const reader = await follow(fill, 0, 5);
  fill.progress.finish(BROKEN);
  assertEquals(textOf(await readRest(reader)), "hello");
});

Deno.test("a file that is published while it is being opened is found under its new name", async () => {
  using fill = new HeldFill();
  fill.write("hello");
  const following = follow(fill);
  fill.publish();
  assertEquals(textOf(await readRest(await following)), "hello");
  assertEquals(textOf(await readRest(await follow(fill))), "hello");
});

Deno.test("who has the file open reads to the end of a body that could not be kept", async () => {
  using fill = new HeldFill();
  fill.write("hello");
  const reader = await follow(fill);
  fill.progress.finish({ kind: "unpublished", reason: "the disk is full" });
  assertEquals(textOf(await readRest(reader)), "hello");
});

Deno.test("a fill that has no file any more cannot be followed", async () => {
  using fill = new HeldFill();
  fill.path = null;
  fill.progress.finish(BROKEN);
  await assertRejects(() => follow(fill), Error);
});

Deno.test("a copy that was replaced before it could be opened cannot be followed", async () => {
  using fill = new HeldFill();
  fill.write("hello");
  fill.publish();
  fill.openStored = () => Promise.resolve(null);
  await assertRejects(() => follow(fill), Error, "replaced");
});

Deno.test("one reader goes on where the disk could not, the others fail", async () => {
  using fill = new HeldFill();
  const first = await follow(fill, 0, 9);
  const second = await follow(fill, 0, 9);
  const third = await follow(fill, 1, 3);
  fill.write("hel");
  const rest = new HandFedBody();
  fill.rest = rest.stream;
  fill.progress.finish(UNSTORABLE);
  assertEquals(textOf(await readSome(first, 3)), "hel");
  rest.give("lo, ");
  rest.give("wo");
  rest.end();
  assertEquals(textOf(await readRest(first)), "lo, wo");
  assertEquals(textOf(await readSome(second, 3)), "hel");
  await assertRejects(() => readRest(second), Error, "the disk takes no more");
  assertEquals(textOf(await readRest(third)), "el");
});

Deno.test("of the rest a part is cut out", async () => {
  using fill = new HeldFill();
  fill.write("01");
  fill.rest = ReadableStream.from(
    ["2345", "6", "78", "9"].map((it) => new TextEncoder().encode(it)),
  );
  fill.progress.finish(UNSTORABLE);
  const reader = await follow(fill, 5, 8);
  assertEquals(textOf(await readRest(reader)), "567");
});

Deno.test("who has gone claims no rest that others could use", async () => {
  using fill = new HeldFill();
  const reader = await follow(fill, 0, 9);
  const reading = reader.read();
  await settle();
  await reader.cancel();
  await reading;
  fill.rest = new HandFedBody().stream;
  fill.progress.finish(UNSTORABLE);
  await settle();
  assertEquals(fill.claims, 0);
});

Deno.test("a rest is given up when its reader leaves", async () => {
  using fill = new HeldFill();
  fill.write("hel");
  const rest = new HandFedBody();
  fill.rest = rest.stream;
  fill.progress.finish(UNSTORABLE);
  const reader = await follow(fill, 0, 9);
  await reader.read();
  await reader.cancel();
  await settle();
  assertEquals(rest.cancelled, true);
});

Deno.test("no reader leaves the file open, however it ends", {
  sanitizeResources: true,
  sanitizeOps: true,
}, async () => {
  using fill = new HeldFill();
  fill.write("hello");
  const cancelled = await follow(fill);
  await cancelled.cancel();
  const cancelledWaiting = await follow(fill, 5);
  const waiting = cancelledWaiting.read();
  await settle();
  await cancelledWaiting.cancel();
  await waiting;
  const cancelledReading = await follow(fill);
  const reading = cancelledReading.read();
  await cancelledReading.cancel();
  await reading;
  assertEquals(textOf(await readRest(await follow(fill, 0, 5))), "hello");
  const broken = await follow(fill);
  const breaking = assertRejects(() => readRest(broken));
  await settle();
  fill.progress.finish(BROKEN);
  await breaking;
});

Deno.test("large bodies come through in pieces, unchanged", async () => {
  using fill = new HeldFill();
  const text = "0123456789".repeat(100_000);
  const all = readAll(await followGrowing(fill, 0, null, fill.openStored));
  fill.write(text.slice(0, 300_001));
  await settle();
  fill.write(text.slice(300_001));
  fill.publish();
  assertEquals(textOf(await all) === text, true);
});
