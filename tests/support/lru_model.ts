/** An exact least-recently-used cache of sizes: what the best of its kind would have hit. */
export class LruModel {
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(readonly capacity: number) {}

  /** Whether the key was there; it is now, as the latest. */
  ask(key: string, size: number): boolean {
    const hit = this.#sizes.delete(key);
    this.#sizes.set(key, size);
    if (!hit) this.#bytes += size;
    for (const [oldest, bytes] of this.#sizes) {
      if (this.#bytes <= this.capacity) break;
      this.#sizes.delete(oldest);
      this.#bytes -= bytes;
    }
    return hit;
  }
}
