import type { Port, ToServing } from "./messages.ts";

/** Bytes of one body that are on their way to a worker and were not taken by its client. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;

/** Hands a body on to a serving worker piece by piece, no faster than its client takes them. */
export class Relay {
  readonly #id: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #port: Port<ToServing>;
  #untaken = 0;
  #room: PromiseWithResolvers<void> | null = null;
  #isOver = false;

  constructor(id: number, stream: ReadableStream<Uint8Array>, port: Port<ToServing>) {
    this.#id = id;
    this.#reader = stream.getReader();
    this.#port = port;
    void this.#run();
  }

  /** The client has taken so many bytes more. */
  taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#room?.resolve();
    this.#room = null;
  }

  /** Nobody wants the rest. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#room?.resolve();
    void this.#reader.cancel().catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        while (this.#untaken >= MAX_UNTAKEN_BYTES && !this.#isOver) {
          this.#room = Promise.withResolvers();
          await this.#room.promise;
        }
        const { done, value } = await this.#reader.read();
        if (this.#isOver) return;
        if (done) break;
        this.#untaken += value.byteLength;
        // A copy: to transfer a buffer takes it from whoever else reads it, such as the file.
        const bytes = value.slice();
        this.#port.post({ kind: "piece", id: this.#id, bytes }, [bytes.buffer]);
      }
      this.#end(null);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #end(failure: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.post({ kind: "last-piece", id: this.#id, failure });
  }
}
