import { assert, assertEquals, assertRejects } from "@std/assert";
import { BodySource } from "../../src/fill/body_source.ts";
import type { FillEnd } from "../../src/fill/fill.ts";
import type { ForkEnd } from "../../src/fill/file_branch.ts";
import { type Fork, fork } from "../../src/fill/fork.ts";
import { followGrowing } from "../../src/fill/growing_reader.ts";
import { ProgressSignal } from "../../src/fill/progress_signal.ts";
import {
  assertSameBytes,
  HandFedBody,
  randomBytes,
  readRest,
  readSome,
  textOf,
} from "../support/body.ts";
import { FakePartialFile } from "../support/fake_partial_file.ts";
import { Gate, settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MIB = 1024 * 1024;
const BATCH = MIB;

/** A body on its way through a fork. */
class HeldFork implements AsyncDisposable {
  readonly body = new HandFedBody();
  readonly file = new FakePartialFile();
  readonly progress = new ProgressSignal();
  readonly controller = new AbortController();
  readonly source: BodySource;
  /** Bytes that were taken from the body. */
  pulled = 0;
  follows: number[] = [];
  rest: ReadableStream<Uint8Array> | null = null;
  #fork: Fork | null = null;

  constructor(stream?: ReadableStream<Uint8Array>) {
    const count = new TransformStream<Uint8Array, Uint8Array>(
      {
        transform: (chunk, controller) => {
          this.pulled += chunk.byteLength;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    );
    // As with fetch, the abort of the request breaks the body.
    const { signal } = this.controller;
    const counted = (stream ?? this.body.stream).pipeThrough(count, { signal });
    this.source = new BodySource(counted, {
      declared: null,
      stallTimeoutMs: 1000,
      clock: new ManualClock(),
      controller: this.controller,
    });
  }

  start(wantsLead: boolean): Fork {
    return this.#fork = fork(this.source, this.file, this.progress, {
      wantsLead,
      batchBytes: BATCH,
      follow: (offset) => {
        this.follows.push(offset);
        return followGrowing(
          {
            path: this.file.path,
            progress: this.progress,
            claimRest: () => {
              const { rest } = this;
              this.rest = null;
              return rest;
            },
          },
          offset,
          null,
          () => Promise.resolve(null),
        );
      },
    });
  }

  /** What a flight does at the end. */
  async finish(): Promise<ForkEnd> {
    const end = await this.#fork?.written;
    if (end === undefined) throw new Error("Cannot finish what was not started");
    if (end.kind === "unstorable") this.rest = end.rest;
    this.progress.finish(flightEnd(end));
    return end;
  }

  async written(bytes: number): Promise<void> {
    while (this.progress.written < bytes) await this.progress.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file[Symbol.asyncDispose]();
  }
}

function flightEnd(end: ForkEnd): FillEnd {
  if (end.kind === "unstorable") return { kind: "unstorable", reason: "the disk takes no more" };
  // Whoever follows here has opened the file by its first name.
  if (end.kind === "complete") return { kind: "stored", entry: null as never };
  return { kind: "broken", reason: "broken" };
}

/** A body that gives chunks as fast as they are asked for. */
function endless(all: Uint8Array<ArrayBuffer>, chunkBytes = 64 * 1024): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= all.byteLength) return controller.close();
      controller.enqueue(all.subarray(at, at += chunkBytes));
    },
  }, { highWaterMark: 0 });
}

/** Resolves when the fork takes no more from the mirror. */
async function pulledNoMore(held: HeldFork): Promise<void> {
  for (let before = -1; before !== held.pulled;) {
    before = held.pulled;
    await settle();
  }
}

Deno.test("both branches get all bytes, the client before the body has ended", async () => {
  await using held = new HeldFork();
  const { lead } = held.start(true);
  const client = lead!.getReader();
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
  assertSameBytes(await readRest(lead!.getReader()), all);
  assertEquals(held.follows, [0]);
});

Deno.test("a client that falls behind goes on from the file at its own byte", async () => {
  const all = randomBytes(24 * MIB);
  await using held = new HeldFork(endless(all));
  const { lead } = held.start(true);
  const client = lead!.getReader();
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
  assertSameBytes(await readRest(lead!.getReader()), all);
});

Deno.test("a client that leaves does not stop the body", async () => {
  const all = randomBytes(20 * MIB);
  for (const readFirst of [0, 64 * 1024, 10 * MIB]) {
    await using held = new HeldFork(endless(all));
    const client = held.start(true).lead!.getReader();
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
  const client = held.start(true).lead!.getReader();
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
  const client = held.start(true).lead!.getReader();
  // The client reads as fast as it can, and still waits for the disk.
  const reading = readRest(client);
  await pulledNoMore(held);
  assert(held.pulled > 7 * MIB && held.pulled < 9 * MIB, `${held.pulled} bytes were taken`);
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
    const client = held.start(true).lead!.getReader();
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

Deno.test("disk full: a client that keeps up gets all bytes from its own branch", async () => {
  const all = randomBytes(20 * MIB);
  await using held = new HeldFork(endless(all));
  held.file.capacity = 5 * MIB;
  const { lead, drained } = held.start(true);
  const reading = readRest(lead!.getReader());
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
  assertSameBytes(await readRest(lead!.getReader()), all);
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
  assertSameBytes(await readRest(lead!.getReader()), all);
  await drained;
});
