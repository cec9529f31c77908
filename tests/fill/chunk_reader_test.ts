import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChunkReader } from "../../src/fill/chunk_reader.ts";
import { PieceBuffers } from "../../src/fill/piece_buffers.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { Random } from "../support/random.ts";

const ALL = randomBytes(3 * 1024 * 1024);

/** A byte stream that gives as much as fits of what each call of `pieceBytes` says. */
function byteStream(pieceBytes: () => number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller): void {
      const request = controller.byobRequest;
      if (at === ALL.byteLength) {
        controller.close();
        return void request?.respond(0);
      }
      const view = request?.view;
      assert(view instanceof Uint8Array, "asked without a buffer");
      const count = Math.min(view.byteLength, pieceBytes(), ALL.byteLength - at);
      view.set(ALL.subarray(at, at + count));
      at += count;
      request?.respond(count);
    },
  });
}

async function readAll(reader: ChunkReader): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await reader.read();
    if (chunk === null) return chunks;
    chunks.push(chunk);
  }
}

async function joined(chunks: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return await new Blob(chunks as Uint8Array<ArrayBuffer>[]).bytes();
}

Deno.test("all bytes come, in pieces of any size, and stay what they were", async () => {
  const random = new Random(1);
  for (const most of [1000, 20_000, 300_000]) {
    const chunks = await readAll(new ChunkReader(byteStream(() => 1 + random.below(most))));
    assertSameBytes(await joined(chunks), ALL);
  }
});

Deno.test("a fast body comes in large pieces, a slow one holds no large buffers", async () => {
  const fast = await readAll(new ChunkReader(byteStream(() => Infinity)));
  assert(fast.length < 30, `${fast.length} pieces`);
  const slow = await readAll(new ChunkReader(byteStream(() => 5000)));
  const held = slow.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  assert(held <= 2 * ALL.byteLength, `${held} bytes are held for ${ALL.byteLength}`);
});

Deno.test("buffers that are given back are read into again, and no byte is lost", async () => {
  const random = new Random(2);
  for (const next of [() => Infinity, () => 5000, () => 1 + random.below(300_000)]) {
    const buffers = new PieceBuffers(1);
    const reader = new ChunkReader(byteStream(next));
    reader.reuse(buffers);
    const all: Uint8Array[] = [];
    let reused = 0;
    for (;;) {
      const piece = await reader.read();
      if (piece === null) break;
      all.push(piece.slice());
      buffers.done(piece);
      // Whoever gives it back must not look at it again: here is why.
      const taken = buffers.take();
      if (taken.buffer === piece.buffer) reused++;
      buffers.piece(taken.fill(0), 0);
    }
    assertSameBytes(await joined(all), ALL);
    if (next() === Infinity) assert(reused > 0, "none was used again");
  }
});

Deno.test("a stream that takes no buffers is read as it comes", async () => {
  const pieces = [ALL.slice(0, 7), ALL.slice(7, 100_000)];
  const chunks = await readAll(new ChunkReader(ReadableStream.from(pieces)));
  assertEquals(chunks.map(({ byteLength }) => byteLength), [7, 99_993]);
});

Deno.test("it fails as its stream fails, and gives it up when told to", async () => {
  let cancelled = 0;
  const failing = new ReadableStream<Uint8Array>({
    type: "bytes",
    pull: () => Promise.reject(new Error("broke off")),
  });
  await assertRejects(() => new ChunkReader(failing).read(), Error, "broke off");
  const reader = new ChunkReader(
    new ReadableStream({ type: "bytes", cancel: () => void cancelled++ }),
  );
  const reading = reader.read();
  await reader.cancel();
  assertEquals([await reading, cancelled], [null, 1]);
});
