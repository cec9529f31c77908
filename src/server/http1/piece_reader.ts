import { GrowingStream, READ_BYTES } from "../../fill/growing_reader.ts";
import { LeadStream } from "../../fill/lead_branch.ts";

/** Reads a body piece by piece. */
export interface PieceReader {
  /** The next piece, good until the next call; null at the end. Rejects as the body does. */
  read(): Promise<Uint8Array | null>;
  cancel(): Promise<void>;
  releaseLock(): void;
}

/** Reads a body; where it can, with buffers that are used again. */
export function pieceReader(body: ReadableStream<Uint8Array>): PieceReader {
  if (body instanceof GrowingStream) return new GrowingPieces(body);
  return new Pieces(body, body instanceof LeadStream ? body : null);
}

class Pieces implements PieceReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #lead: LeadStream | null;
  #last: Uint8Array | null = null;

  constructor(body: ReadableStream<Uint8Array>, lead: LeadStream | null) {
    this.#reader = body.getReader();
    this.#lead = lead;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#last !== null) this.#lead?.done(this.#last);
    const { value = null } = await this.#reader.read();
    this.#last = value;
    return value;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  releaseLock(): void {
    this.#reader.releaseLock();
  }
}

/** One buffer, lent to the stream for each read. */
class GrowingPieces implements PieceReader {
  readonly #reader: ReadableStreamBYOBReader;
  #buffer = new ArrayBuffer(READ_BYTES);

  constructor(body: GrowingStream) {
    this.#reader = body.getReader({ mode: "byob" });
  }

  async read(): Promise<Uint8Array | null> {
    const { done, value } = await this.#reader.read(new Uint8Array(this.#buffer));
    if (done || value === undefined) return null;
    this.#buffer = value.buffer;
    return value;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  releaseLock(): void {
    this.#reader.releaseLock();
  }
}
