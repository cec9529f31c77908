import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";

/** The same bytes for the same size and seed, without a pattern that a shift would keep. */
export function randomBytes(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed >>> 0 || 1;
  for (let at = 0; at < words.length; at++) {
    // Marsaglia's xorshift.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Compares without printing megabytes when they differ. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.byteLength, expected.byteLength, "another length");
  if (sha256(actual) === sha256(expected)) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  throw new Error(`The bytes differ from byte ${at} on`);
}

/** All of a stream; throws when it breaks. */
export async function readAll(
  stream: ReadableStream<Uint8Array> | null,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Reads until at least so many bytes are there, or the stream has ended; the reader can go on. */
export async function readSome(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (let length = 0; length < bytes;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(new Uint8Array(value));
    length += value.byteLength;
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Reads on to the end; throws when the stream breaks. */
export async function readRest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    chunks.push(new Uint8Array(value));
  }
}

/** A body of which the test gives out one piece after the other. */
export class HandFedBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whoever read it has given it up. */
  cancelled = false;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.cancelled = true;
      },
    }, { highWaterMark: 0 });
  }

  give(piece: string | Uint8Array<ArrayBuffer>): void {
    this.#controller?.enqueue(typeof piece === "string" ? bytesOf(piece) : piece);
  }

  end(): void {
    this.#controller?.close();
  }

  fail(error: unknown): void {
    this.#controller?.error(error);
  }
}
