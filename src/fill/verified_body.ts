import { createHash } from "node:crypto";
import { UpstreamError } from "../errors.ts";
import type { Listed } from "../types.ts";
import type { Body } from "./resumable_body.ts";

/**
 * A body that ends only when its bytes are those that are listed. Each chunk is held back until the
 * next one is there, the last one until all have been checked: nobody ever gets the whole of a body
 * that is another one.
 */
export class VerifiedBody implements Body {
  readonly #source: Body;
  readonly #listed: Listed;
  readonly #hash = createHash("sha256");
  #held: Uint8Array | null = null;
  #isOver = false;

  constructor(source: Body, listed: Listed) {
    this.#source = source;
    this.#listed = listed;
  }

  /** @throws {UpstreamError} `differs` in place of the last chunk, when the bytes are others. */
  async read(): Promise<Uint8Array | null> {
    if (this.#isOver) return null;
    for (;;) {
      const chunk = await this.#source.read();
      if (chunk === null) break;
      this.#hash.update(chunk);
      const held = this.#held;
      this.#held = chunk;
      if (held !== null) return held;
    }
    this.#isOver = true;
    if (this.#hash.digest("hex") !== this.#listed.sha256) {
      throw new UpstreamError({
        kind: "differs",
        detail: "other bytes than those that the head of its set lists",
      });
    }
    return this.#held;
  }

  cancel(): void {
    this.#source.cancel();
  }
}
