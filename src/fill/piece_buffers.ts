/** Bytes of each buffer: what a fast mirror has sent by the time that it is read again. */
export const PIECE_BYTES = 512 * 1024;

/** Free buffers that are kept for all bodies. One whose client and disk keep up has a few in use. */
const MAX_FREE = 16;

const free: Uint8Array<ArrayBuffer>[] = [];

/**
 * The buffers of one large body, each used again when everybody who holds its piece has said that
 * they are done. Fresh ones cost half of the processor's time of a miss of 1 GiB and some 50 MiB
 * (docs/profile.md). Who never says so, or keeps a piece for longer, takes its buffer away for good:
 * it is collected as any other.
 */
export class PieceBuffers {
  #holders: number;
  /** How many hold the piece in a buffer; what is not in here is nobody's to give back. */
  readonly #held = new WeakMap<ArrayBufferLike, number>();

  /** @param holders How many say `done` for each piece. */
  constructor(holders: number) {
    this.#holders = holders;
  }

  /** A buffer to read into. */
  take(): Uint8Array<ArrayBuffer> {
    return free.pop() ?? new Uint8Array(PIECE_BYTES);
  }

  /**
   * The first bytes of such a buffer as a piece. Few of them are copied, and the buffer is free
   * again: nobody holds more than twice the bytes of a piece.
   */
  piece(buffer: Uint8Array<ArrayBuffer>, bytes: number): Uint8Array<ArrayBuffer> {
    if (bytes < PIECE_BYTES / 2) {
      const copy = buffer.slice(0, bytes);
      putBack(buffer);
      return copy;
    }
    this.#held.set(buffer.buffer, this.#holders);
    return buffer.subarray(0, bytes);
  }

  /** One holder gets none of the pieces that are read from now on. */
  leave(): void {
    this.#holders--;
  }

  /** One holder is done with a piece, wherever it is from: it does not look at its bytes again. */
  done({ buffer }: Uint8Array): void {
    const holders = this.#held.get(buffer);
    if (holders === undefined) return;
    if (holders > 1) {
      this.#held.set(buffer, holders - 1);
      return;
    }
    this.#held.delete(buffer);
    putBack(new Uint8Array(buffer as ArrayBuffer));
  }
}

function putBack(buffer: Uint8Array<ArrayBuffer>): void {
  if (free.length < MAX_FREE) free.push(buffer);
}
