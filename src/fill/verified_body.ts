import type { Expected } from "../decide/digests/expected.ts";
import { ByteDigester } from "../storage/byte_digester.ts";
import { UpstreamError } from "../errors.ts";
import type { FailureReason, Key } from "../types.ts";
import type { Body } from "./resumable_body.ts";

/**
 * A body that ends only when its bytes are those that are published. Each chunk is held back until
 * the next one is there, the last one until all have been checked: nobody ever gets the whole of a
 * body that is another one.
 */
export class VerifiedBody implements Body {
  readonly #source: Body;
  readonly #digester: ByteDigester;
  readonly #onOther: () => FailureReason;
  #held: Uint8Array | null = null;
  #end: "whole" | UpstreamError | null = null;

  /**
   * @param key Of the file.
   * @param onOther Called once, when the bytes are others; says what the body fails with.
   */
  constructor(source: Body, { digests }: Expected, key: Key, onOther: () => FailureReason) {
    this.#source = source;
    this.#digester = new ByteDigester(digests, key);
    this.#onOther = onOther;
  }

  /** @throws {UpstreamError} In place of the last chunk, when the bytes are others. */
  async read(): Promise<Uint8Array | null> {
    if (this.#end instanceof UpstreamError) throw this.#end;
    if (this.#end === "whole") return null;
    for (;;) {
      const chunk = await this.#source.read();
      if (chunk === null) break;
      this.#digester.update(chunk);
      const held = this.#held;
      this.#held = chunk;
      if (held !== null) return held;
    }
    if (await this.#digester.verdict() === "other") {
      this.#end = new UpstreamError(this.#onOther());
      throw this.#end;
    }
    this.#end = "whole";
    return this.#held;
  }

  cancel(): void {
    this.#source.cancel();
  }
}
