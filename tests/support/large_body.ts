import { Buffer } from "node:buffer";
import { Random } from "./random.ts";

const BLOCK_BYTES = 1024 * 1024;

/** A body of any length whose every block differs, without the memory for it. */
export class LargeBody {
  readonly #block: Uint8Array<ArrayBuffer>;

  /** @param size A multiple of 1 MiB. */
  constructor(readonly size: number) {
    if (size % BLOCK_BYTES !== 0) throw new Error(`Cannot make a body of ${size} bytes`);
    this.#block = new Random(size).bytes(BLOCK_BYTES);
  }

  /** The body, made while it is read. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let next = 0;
    return new ReadableStream({
      pull: (controller) => {
        if (next * BLOCK_BYTES === this.size) return controller.close();
        controller.enqueue(this.#stamped(next++).slice());
      },
    }, { highWaterMark: 0 });
  }

  /** Looks at a body piece by piece. */
  comparison(): Comparison {
    return new Comparison(this.size, (index) => this.#stamped(index));
  }

  /** Valid until the next call. */
  #stamped(index: number): Uint8Array<ArrayBuffer> {
    new DataView(this.#block.buffer).setUint32(0, index);
    return this.#block;
  }
}

/** Tells where a body that comes in pieces first differs from what it should be. */
class Comparison {
  readonly #size: number;
  readonly #block: (index: number) => Uint8Array;
  /** Bytes that were as they should be. */
  offset = 0;

  constructor(size: number, block: (index: number) => Uint8Array) {
    this.#size = size;
    this.#block = block;
  }

  /** @throws {Error} At the first piece with a wrong byte. */
  next(piece: Uint8Array): void {
    while (piece.byteLength > 0) {
      if (this.offset >= this.#size) throw new Error(`Body goes on after ${this.#size} bytes`);
      const at = this.offset % BLOCK_BYTES;
      const length = Math.min(piece.byteLength, BLOCK_BYTES - at);
      const expected = this.#block(Math.floor(this.offset / BLOCK_BYTES)).subarray(at, at + length);
      if (Buffer.compare(expected, piece.subarray(0, length)) !== 0) {
        throw new Error(`Body differs in the ${length} bytes from ${this.offset} on`);
      }
      this.offset += length;
      piece = piece.subarray(length);
    }
  }

  /** @throws {Error} When the body was too short. */
  end(): void {
    if (this.offset !== this.#size) {
      throw new Error(`Body ends after ${this.offset} of ${this.#size} bytes`);
    }
  }
}
