/** The last bytes of a body, as the chunks that they came in: nothing is copied until they count. */
export class Tail {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** @param limit How many bytes are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    for (;;) {
      const oldest = this.#chunks[0]?.byteLength ?? 0;
      if (this.#chunks.length === 1 || this.#bytes - oldest < this.#limit) return;
      this.#bytes -= oldest;
      this.#chunks.shift();
    }
  }

  /** A copy of the last bytes, at most as many as are kept. */
  bytes(limit: number = this.#limit): Uint8Array<ArrayBuffer> {
    return lastBytes(this.#chunks, Math.min(limit, this.#limit));
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
