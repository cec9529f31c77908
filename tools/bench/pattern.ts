import { Buffer } from "node:buffer";

/** Bytes of one piece of every file that the benchmarks' mirrors have. */
export const PIECE_BYTES = 64 * 1024;

/** How far apart the numbers are that tell one piece, and one place in it, from another. */
const STAMP_EVERY_BYTES = 4 * 1024;

const BASE = baseOf(PIECE_BYTES);

/** The piece of a file that begins at `index * PIECE_BYTES`: never equal to another, nor to one that is shifted. */
export function pieceAt(index: number): Uint8Array<ArrayBuffer> {
  const piece = BASE.slice();
  const view = new DataView(piece.buffer);
  for (let at = 0; at < PIECE_BYTES; at += STAMP_EVERY_BYTES) view.setUint32(at, index);
  return piece;
}

/** The bytes of a file from `start` on, at most up to `end` and to the end of a piece. */
export function bytesAt(start: number, end: number): Uint8Array<ArrayBuffer> {
  const index = Math.floor(start / PIECE_BYTES);
  const first = index * PIECE_BYTES;
  return pieceAt(index).subarray(start - first, Math.min(end - first, PIECE_BYTES));
}

/** Whether these are the bytes of a file from an offset on. */
export function isPattern(bytes: Uint8Array, offset: number): boolean {
  for (let at = 0; at < bytes.byteLength;) {
    const expected = bytesAt(offset + at, offset + bytes.byteLength);
    const actual = bytes.subarray(at, at + expected.byteLength);
    if (Buffer.compare(actual, expected) !== 0) return false;
    at += expected.byteLength;
  }
  return true;
}

function baseOf(size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(size / 4);
  let state = 1;
  for (let at = 0; at < words.length; at++) {
    // Marsaglia's xorshift.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer);
}
