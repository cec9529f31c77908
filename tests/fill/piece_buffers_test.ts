import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type BodyConnection, SizedBody } from "../../src/fill/answer_body.ts";
import { BodySource } from "../../src/fill/body_source.ts";
import { fork } from "../../src/fill/fork.ts";
import { PIECE_BYTES, PieceBuffers } from "../../src/fill/piece_buffers.ts";
import { ProgressSignal } from "../../src/fill/progress_signal.ts";
import { Tail } from "../../src/fill/tail.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { FakePartialFile } from "../support/fake_partial_file.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const ALL = randomBytes(16 * 1024 * 1024 + 4321);

/** A mirror that sends all at once: as much is read as fits. */
class FullConnection implements BodyConnection {
  readonly buffered = 0;
  readonly window = { buffer: new Uint8Array(), start: 0, end: 0 };
  /** The buffers that were read into. */
  readonly buffers = new Set<ArrayBufferLike>();
  #at = 0;

  take(): Uint8Array<ArrayBuffer> {
    throw new Error("Nothing is buffered");
  }

  skipTo(): void {}

  more(): Promise<boolean> {
    return Promise.resolve(false);
  }

  readInto(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    this.buffers.add(target.buffer);
    const bytes = ALL.subarray(this.#at, this.#at + target.byteLength);
    target.set(bytes);
    this.#at += bytes.byteLength;
    return Promise.resolve(bytes.byteLength);
  }

  release(): void {}

  close(): void {}
}

function forked(wantsLead: boolean) {
  const connection = new FullConnection();
  const buffers = new PieceBuffers(wantsLead ? 2 : 1);
  const source = new BodySource(new SizedBody(connection, ALL.byteLength, true), {
    declared: ALL.byteLength,
    stallTimeoutMs: 1000,
    clock: new ManualClock(),
    controller: new AbortController(),
  });
  source.reuse(buffers);
  const file = new FakePartialFile();
  const follow = () => Promise.reject(new Error("The lead was left to the file"));
  const batchBytes = 1024 * 1024;
  const options = { wantsLead, batchBytes, buffers, follow };
  return { connection, file, ...fork(source, file, new ProgressSignal(), options) };
}

Deno.test("a buffer is used again when all who hold its piece are done with it", () => {
  const buffers = new PieceBuffers(2);
  const first = buffers.take();
  assertEquals(first.byteLength, PIECE_BYTES);
  const piece = buffers.piece(first, PIECE_BYTES - 10);
  buffers.done(piece);
  const second = buffers.take();
  assert(second.buffer !== first.buffer);
  buffers.done(piece);
  const third = buffers.take();
  assertStrictEquals(third.buffer, first.buffer);
  assertEquals(third.byteLength, PIECE_BYTES);
});

Deno.test("a short piece is a copy, and its buffer is free at once", () => {
  const buffers = new PieceBuffers(1);
  const buffer = buffers.take().fill(7);
  const piece = buffers.piece(buffer, 10);
  assertStrictEquals(buffers.take().fill(0).buffer, buffer.buffer);
  assertEquals(piece, new Uint8Array(10).fill(7));
  assertEquals(piece.buffer.byteLength, 10);
});

Deno.test("who says once too often that it is done, or of another's bytes, changes nothing", () => {
  const buffers = new PieceBuffers(1);
  const piece = buffers.piece(buffers.take(), PIECE_BYTES);
  buffers.done(piece);
  buffers.done(piece);
  const foreign = new Uint8Array(PIECE_BYTES);
  buffers.done(foreign);
  const taken = [buffers.take().buffer, buffers.take().buffer, buffers.take().buffer];
  assertEquals(new Set(taken).size, 3);
  assert(!taken.includes(foreign.buffer));
});

Deno.test("without a lead a body takes a few buffers and every byte is written", async () => {
  const { connection, file, written } = forked(false);
  await using _ = file;
  assertEquals(await written, { kind: "complete" });
  assertSameBytes(await Deno.readFile(file.path), ALL);
  assert(connection.buffers.size < 20, `${connection.buffers.size} buffers`);
});

Deno.test("when the lead leaves, the file alone gives buffers back", async () => {
  const { connection, file, lead, written } = forked(true);
  await using _ = file;
  const reader = lead?.getReader();
  await reader?.read();
  await reader?.cancel();
  assertEquals(await written, { kind: "complete" });
  assertSameBytes(await Deno.readFile(file.path), ALL);
  assert(connection.buffers.size < 20, `${connection.buffers.size} buffers`);
});

Deno.test("file and lead each get every byte, whoever is slower", async () => {
  for (const slower of ["file", "lead"] as const) {
    const { file, lead, written } = forked(true);
    await using _ = file;
    if (lead === null) throw new Error("There is no lead");
    file.held = slower === "file" ? new Gate() : null;
    const got = new Uint8Array(ALL.byteLength);
    let at = 0;
    for await (const piece of lead) {
      // Of one that is behind, the file has had its turn with all that has been read.
      if (slower === "lead") { for (let turn = 0; turn < 20; turn++) await Promise.resolve(); }
      got.set(piece, at);
      at += piece.byteLength;
      lead.done(piece);
      if (at > 1024 * 1024) file.held?.open();
    }
    assertEquals(await written, { kind: "complete" });
    assertSameBytes(got, ALL);
    assertSameBytes(await Deno.readFile(file.path), ALL);
  }
});

Deno.test("a lead that keeps its pieces finds them as they were", async () => {
  const { file, lead, written } = forked(true);
  await using _ = file;
  const kept = lead === null ? [] : await Array.fromAsync(lead);
  assertEquals(await written, { kind: "complete" });
  assertSameBytes(new Uint8Array(await new Blob(kept as BlobPart[]).arrayBuffer()), ALL);
});

Deno.test("the tail of a body does not change when its pieces are overwritten", () => {
  for (const size of [1, 7, 10, 11, 30]) {
    const tail = new Tail(10);
    const piece = new Uint8Array(size);
    let sent = "";
    for (let at = 0; sent.length < 100; at += size) {
      for (let index = 0; index < size; index++) piece[index] = (at + index) % 256;
      tail.push(piece);
      sent += String.fromCharCode(...piece);
      piece.fill(255);
      assertEquals(String.fromCharCode(...tail.bytes()), sent.slice(-10));
      assertEquals(String.fromCharCode(...tail.bytes(4)), sent.slice(-4));
    }
  }
});
