/** A stream of numbers that one seed decides. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number of 32 bits: Mulberry32, whose whole state is one such number. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  /** From 0 up to but without `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() / 2 ** 32 * bound);
  }

  /** The same in another order. */
  shuffle<T>(values: readonly T[]): T[] {
    return values.map((value) => ({ value, at: this.next() }))
      .sort((a, b) => a.at - b.at).map(({ value }) => value);
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let at = 0; at < words.length; at++) words[at] = this.next();
    return new Uint8Array(words.buffer, 0, length);
  }
}
