import type { Key } from "../types.ts";

/** Entries that eviction must leave alone: they are being read, or a fill for their key is under way. */
export class Pins {
  readonly #pins = new Map<Key, { count: number; bytes: number }>();
  #bytes = 0;

  /** Bytes of all pinned entries together. */
  get bytes(): number {
    return this.#bytes;
  }

  has(key: Key): boolean {
    return this.#pins.has(key);
  }

  /**
   * @param bytes What the key's entry takes of the disk; 0 when there is none.
   * @returns Takes the pin out again; does nothing when called again.
   */
  pin(key: Key, bytes: number): () => void {
    const pin = this.#pins.get(key) ?? { count: 0, bytes: 0 };
    pin.count++;
    this.#pins.set(key, pin);
    this.resize(key, bytes);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--pin.count > 0) return;
      this.#pins.delete(key);
      this.#bytes -= pin.bytes;
    };
  }

  /** The key's entry was replaced or removed; does nothing when it is not pinned. */
  resize(key: Key, bytes: number): void {
    const pin = this.#pins.get(key);
    if (pin === undefined) return;
    this.#bytes += bytes - pin.bytes;
    pin.bytes = bytes;
  }
}
