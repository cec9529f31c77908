import type { AnswerBody } from "./answer_body.ts";
import type { PieceBuffers } from "./piece_buffers.ts";

/** Bytes of the first buffer; most files are small. */
const FIRST_BYTES = 16 * 1024;

/** Of the largest one: what the platform has read of a fast body by the time it is asked. */
const MOST_BYTES = 128 * 1024;

/**
 * Reads a body in pieces as large as they come. Where the stream takes buffers (the platform's
 * bodies do), these grow with what comes in: a fast body of 1 GiB then takes a third of the reads,
 * and of all the steps behind them.
 *
 * A piece that leaves most of its buffer unused is copied, so that what is kept of a slow body never
 * takes more than twice its bytes.
 */
export class ChunkReader implements AnswerBody {
  readonly #byob: ReadableStreamBYOBReader | null;
  readonly #plain: ReadableStreamDefaultReader<Uint8Array> | null;
  #buffer: ArrayBuffer | null = null;
  #size = FIRST_BYTES;
  #reused: PieceBuffers | null = null;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#byob = byobReader(stream);
    this.#plain = this.#byob === null ? stream.getReader() : null;
  }

  /** The next piece; null at the end. Rejects as the stream does. */
  async read(): Promise<Uint8Array | null> {
    if (this.#plain !== null) return (await this.#plain.read()).value ?? null;
    // What comes slowly would be copied out of large buffers each time.
    if (this.#size === MOST_BYTES && this.#reused !== null && this.#byob !== null) {
      return await readReused(this.#byob, this.#reused);
    }
    const view = new Uint8Array(this.#buffer ?? new ArrayBuffer(this.#size));
    this.#buffer = null;
    const result = await this.#byob?.read(view);
    if (result === undefined || result.done || result.value === undefined) return null;
    const { value } = result;
    const size = value.buffer.byteLength;
    if (value.byteLength < size / 2) {
      const copy = value.slice();
      this.#buffer = value.buffer;
      return copy;
    }
    this.#size = value.byteLength === size ? Math.min(size * 4, MOST_BYTES) : size;
    return value;
  }

  reuse(buffers: PieceBuffers): void {
    this.#reused = buffers;
  }

  /** Gives the stream up. Never rejects. */
  async cancel(): Promise<void> {
    await (this.#byob ?? this.#plain)?.cancel().catch(() => {});
  }
}

async function readReused(
  reader: ReadableStreamBYOBReader,
  buffers: PieceBuffers,
): Promise<Uint8Array | null> {
  const { done, value } = await reader.read(buffers.take());
  if (done || value === undefined) return null;
  // The memory is the same, the object another one.
  return buffers.piece(new Uint8Array(value.buffer), value.byteLength);
}

/** null: the stream makes its pieces by itself. */
function byobReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | null {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    return null;
  }
}
