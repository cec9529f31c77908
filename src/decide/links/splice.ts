import { joined } from "./link_rewriter.ts";

/**
 * A longer link is left alone. No request of ours may be longer (`MAX_TARGET_BYTES`), so nobody could
 * follow it.
 */
export const MAX_LINK_BYTES = 8192;

/**
 * The output of a scanner that goes through a body in pieces: passes all bytes on but those of a link,
 * which are held back until the link has ended, and at most `MAX_LINK_BYTES` of them.
 */
export class Splice {
  #chunk: Uint8Array = new Uint8Array();
  /** Where in the chunk the bytes begin that have not been passed on. */
  #from = 0;
  #out: Uint8Array[] = [];
  /** What is held of earlier chunks. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isHolding = false;

  /** A new chunk is looked at. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#from = 0;
  }

  /** From this byte of the chunk on, nothing is passed on before `replace`. */
  hold(at: number): void {
    this.#pass(at);
    this.#isHolding = true;
  }

  /**
   * What is held ends before this byte of the chunk, and goes out as something else.
   *
   * @param replacement Is given the bytes; null: they go out as they are. Not called for a link that
   * is too long.
   */
  replace(at: number, replacement: (link: Uint8Array) => Uint8Array | null): void {
    if (!this.#isHolding) return;
    const link = joined([...this.#held, this.#chunk.subarray(this.#from, at)]);
    this.#from = at;
    this.#held = [];
    this.#heldBytes = 0;
    this.#isHolding = false;
    const isShort = link.byteLength <= MAX_LINK_BYTES;
    this.#out.push((isShort ? replacement(link) : null) ?? link);
  }

  /** What may go out after the chunk. */
  flush(): Uint8Array {
    if (!this.#isHolding) this.#pass(this.#chunk.byteLength);
    else {
      // A copy: whoever has given the chunk may fill it anew.
      const rest = this.#chunk.slice(this.#from);
      this.#held.push(rest);
      this.#heldBytes += rest.byteLength;
      if (this.#heldBytes > MAX_LINK_BYTES) this.#release();
    }
    this.#chunk = new Uint8Array();
    this.#from = 0;
    return this.#take();
  }

  /** What is held when there will be no more. */
  end(): Uint8Array {
    this.#release();
    return this.#take();
  }

  #pass(at: number): void {
    if (at > this.#from) this.#out.push(this.#chunk.subarray(this.#from, at));
    this.#from = at;
  }

  #release(): void {
    this.#out.push(...this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#isHolding = false;
  }

  #take(): Uint8Array {
    const out = joined(this.#out);
    this.#out = [];
    return out;
  }
}
