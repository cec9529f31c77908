/** The last bytes of a body. They are copied, so its pieces may be overwritten. */
export class Tail {
  readonly #limit: number;
  /** Bytes in the order of their coming, from `#next` on once it has been full; then from 0 on. */
  #ring: Uint8Array<ArrayBuffer> = new Uint8Array();
  #next = 0;
  #isFull = false;

  /** @param limit How many bytes are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    if (this.#ring.byteLength === 0) this.#ring = new Uint8Array(this.#limit);
    const last = chunk.subarray(Math.max(0, chunk.byteLength - this.#limit));
    const room = this.#limit - this.#next;
    this.#ring.set(last.subarray(0, room), this.#next);
    this.#ring.set(last.subarray(room), 0);
    if (last.byteLength >= room) this.#isFull = true;
    this.#next = (this.#next + last.byteLength) % this.#limit;
  }

  /** A copy of the last bytes, at most as many as are kept. */
  bytes(limit: number = this.#limit): Uint8Array<ArrayBuffer> {
    const ring = this.#ring;
    const older = this.#isFull ? [ring.subarray(this.#next)] : [];
    return lastBytes([...older, ring.subarray(0, this.#next)], Math.min(limit, this.#limit));
  }
}

/** A copy of the last bytes of all chunks together, at most so many. */
export function lastBytes(
  chunks: readonly Uint8Array[],
  limit: number,
): Uint8Array<ArrayBuffer> {
  let first = chunks.length;
  let bytes = 0;
  while (first > 0 && bytes < limit) bytes += chunks[--first]?.byteLength ?? 0;
  const all = new Uint8Array(bytes);
  let used = 0;
  for (const chunk of chunks.slice(first)) {
    all.set(chunk, used);
    used += chunk.byteLength;
  }
  return all.subarray(Math.max(0, bytes - limit));
}
