import { setImmediate } from "node:timers";
import type { Body } from "./resumable_body.ts";

/** Bytes that may have been read from upstream and not yet written: then reading pauses. */
export const FILE_LAG_BYTES = 4 * 1024 * 1024;

/** The upstream's body as a stream that pauses while the file lags. */
export class GatedSource {
  readonly stream: ReadableStream<Uint8Array>;
  readonly drained: Promise<void>;
  /** Told of all bytes read so far; may ask for a pause, null for none. */
  pace: (pulled: number) => Promise<void> | null = () => null;
  readonly #drained = Promise.withResolvers<void>();
  #pulled = 0;
  #written = 0;
  #opened: PromiseWithResolvers<void> | null = null;
  /** Waited for before the second read. */
  #turn: Promise<void> | null = null;

  /** @param leads Whether a client waits: what is here goes out before more is read. */
  constructor(source: Body, leads: boolean) {
    if (leads) this.#turn = new Promise((resolve) => void setImmediate(resolve));
    this.drained = this.#drained.promise;
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        if (this.#turn !== null && this.#pulled > 0) {
          await this.#turn;
          this.#turn = null;
        }
        if (this.#isShut()) await this.#whenOpen();
        try {
          const chunk = await source.read();
          if (chunk === null) {
            controller.close();
            this.#drained.resolve();
            return;
          }
          this.#pulled += chunk.byteLength;
          controller.enqueue(chunk);
          const pause = this.pace(this.#pulled);
          if (pause !== null) await pause;
        } catch (error) {
          this.#drained.resolve();
          throw error;
        }
      },
      cancel: () => {
        source.cancel();
        this.#drained.resolve();
      },
    }, { highWaterMark: 0 });
  }

  /** The file has taken so many bytes in all; Infinity when it takes no more. */
  setWritten(written: number): void {
    this.#written = written;
    if (this.#isShut()) return;
    this.#opened?.resolve();
    this.#opened = null;
  }

  #isShut(): boolean {
    return this.#pulled - this.#written >= FILE_LAG_BYTES;
  }

  #whenOpen(): Promise<void> {
    this.#opened ??= Promise.withResolvers<void>();
    return this.#opened.promise;
  }
}
