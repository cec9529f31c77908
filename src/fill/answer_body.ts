import { Chunked } from "../decide/chunked.ts";
import { UpstreamError } from "../errors.ts";
import type { PieceBuffers } from "./piece_buffers.ts";

/** Bytes of the first buffer of a large body … */
const FIRST_BYTES = 64 * 1024;

/** … and of the largest one: what a fast mirror has sent by the time that it is read again. */
const MOST_BYTES = 256 * 1024;

/** A body with no more left than this takes fresh buffers, of its size. */
const REUSE_BYTES = 256 * 1024;

/** A body that is read piece by piece, no faster than somebody takes it. */
export interface AnswerBody {
  /**
   * The next piece, which is the reader's to keep; null at the end. One read at a time.
   *
   * @throws {Error} When it breaks off.
   */
  read(): Promise<Uint8Array | null>;
  /** What is here already of the rest of it, if that is all of it; null: it is not. */
  takeWhole?(): Uint8Array<ArrayBuffer> | null;
  /** From now on it reads into these where that is worth it: its pieces are to be given back. */
  reuse?(buffers: PieceBuffers): void;
  /** Gives it up, and its connection unless it is at its end. Never rejects. */
  cancel(): Promise<void>;
}

/** What bodies need of their connection. */
export interface BodyConnection {
  /** Bytes that came with the head or were read for a line. */
  readonly buffered: number;
  /** Takes a copy of what is buffered, but no more than so many bytes. */
  take(maximum: number): Uint8Array<ArrayBuffer>;
  /** The buffer itself, for those who look before they take. */
  readonly window: { readonly buffer: Uint8Array; readonly start: number; readonly end: number };
  /** So much of the buffer has been dealt with. */
  skipTo(start: number): void;
  /** Reads more into the buffer; false at the end. @throws {Error} When the connection breaks. */
  more(): Promise<boolean>;
  /** Reads past the buffer, which is empty, into another one; null at the end. */
  readInto(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** The body has come to its honest end: the connection is free if it stays. */
  release(stays: boolean): void;
  close(): void;
}

/** A body with a declared length. */
export class SizedBody implements AnswerBody {
  readonly #connection: BodyConnection;
  readonly #stays: boolean;
  #left: number;
  #bufferBytes = FIRST_BYTES;
  #buffers: PieceBuffers | null = null;

  constructor(connection: BodyConnection, size: number, stays: boolean) {
    this.#connection = connection;
    this.#stays = stays;
    this.#left = size;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#left === 0) return null;
    if (this.#connection.buffered > 0) return this.#took(this.#connection.take(this.#left));
    return await this.#read();
  }

  takeWhole(): Uint8Array<ArrayBuffer> | null {
    if (this.#left === 0 || this.#connection.buffered < this.#left) return null;
    return this.#took(this.#connection.take(this.#left));
  }

  reuse(buffers: PieceBuffers): void {
    if (this.#left >= REUSE_BYTES) this.#buffers = buffers;
  }

  cancel(): Promise<void> {
    if (this.#left > 0) this.#connection.close();
    return Promise.resolve();
  }

  async #read(): Promise<Uint8Array> {
    if (this.#buffers !== null) return await this.#readReused(this.#buffers);
    // One byte more than there may be: whoever sends more than it says is not asked again here.
    const room = Math.min(this.#bufferBytes, this.#left + 1);
    const buffer = new Uint8Array(room);
    const count = await this.#connection.readInto(buffer);
    if (count === null) throw new Error("The connection was closed");
    if (count === room) this.#bufferBytes = Math.min(MOST_BYTES, this.#bufferBytes * 2);
    if (count > this.#left) return this.#took(buffer.slice(0, this.#left), false);
    // A piece that leaves most of its buffer unused would hold far more than its bytes.
    return this.#took(count < room / 2 ? buffer.slice(0, count) : buffer.subarray(0, count));
  }

  async #readReused(buffers: PieceBuffers): Promise<Uint8Array> {
    const buffer = buffers.take();
    const room = Math.min(buffer.byteLength, this.#left + 1);
    const count = await this.#connection.readInto(buffer.subarray(0, room));
    if (count === null) throw new Error("The connection was closed");
    const piece = buffers.piece(buffer, Math.min(count, this.#left));
    return this.#took(piece, count <= this.#left);
  }

  /** RFC 9112 section 6.3: the length ends the body; what comes behind it is nobody's. */
  #took<Piece extends Uint8Array>(piece: Piece, isInOrder = true): Piece {
    this.#left -= piece.byteLength;
    if (this.#left === 0) this.#connection.release(this.#stays && isInOrder);
    return piece;
  }
}

/** A body in the chunked coding. */
export class ChunkedBody implements AnswerBody {
  readonly #connection: BodyConnection;
  readonly #stays: boolean;
  readonly #chunked = new Chunked();
  #isEnded = false;

  constructor(connection: BodyConnection, stays: boolean) {
    this.#connection = connection;
    this.#stays = stays;
  }

  async read(): Promise<Uint8Array | null> {
    while (!this.#isEnded) {
      const { buffer, start, end } = this.#connection.window;
      const part = this.#chunked.next(buffer, start, end);
      switch (part.kind) {
        case "data":
          this.#connection.skipTo(part.start);
          return this.#connection.take(part.end - part.start);
        case "more":
          this.#connection.skipTo(part.start);
          if (!await this.#connection.more()) throw new Error("The connection was closed");
          break;
        case "bad":
          this.#connection.close();
          throw new UpstreamError({
            kind: "network",
            detail: `cannot read the body: ${part.detail}`,
          });
        case "end":
          this.#connection.skipTo(part.start);
          this.#isEnded = true;
          this.#connection.release(this.#stays);
      }
    }
    return null;
  }

  cancel(): Promise<void> {
    if (!this.#isEnded) this.#connection.close();
    return Promise.resolve();
  }
}

/** A body that ends where the connection does. */
export class ClosingBody implements AnswerBody {
  readonly #connection: BodyConnection;
  #isEnded = false;

  constructor(connection: BodyConnection) {
    this.#connection = connection;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#isEnded) return null;
    if (this.#connection.buffered === 0 && !await this.#connection.more()) {
      this.#isEnded = true;
      this.#connection.close();
      return null;
    }
    return this.#connection.take(Infinity);
  }

  cancel(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }
}
