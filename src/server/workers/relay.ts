import type { Port, ToServing } from "./messages.ts";

/** Bytes of one body that are on their way to a worker and were not taken by its client. */
const MAX_UNTAKEN_BYTES = 1024 * 1024;

/** How long a short body may take to be there whole, in milliseconds. */
const GATHER_MS = 2;

/** Hands a body on to a serving worker piece by piece, no faster than its client takes them. */
export class Relay {
  readonly #id: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #port: Port<ToServing>;
  readonly #ended = Promise.withResolvers<void>();
  /** What was read before anything is sent. */
  #held: Uint8Array<ArrayBuffer>[] | null = [];
  #end: { readonly failure: string | null } | null = null;
  #untaken = 0;
  #room: PromiseWithResolvers<void> | null = null;
  #isCancelled = false;

  constructor(id: number, stream: ReadableStream<Uint8Array>, port: Port<ToServing>) {
    this.#id = id;
    this.#reader = stream.getReader();
    this.#port = port;
    void this.#run();
  }

  /**
   * All of a short body, where it is there in a moment, to go out in one message with its head:
   * three messages less, which are a third of what a small miss costs. Else null: `begin`.
   */
  async gather(): Promise<Uint8Array | null> {
    const timer = setTimeout(this.#ended.resolve, GATHER_MS);
    await this.#ended.promise;
    clearTimeout(timer);
    if (this.#end === null || this.#end.failure !== null || this.#held === null) return null;
    return new Uint8Array(await new Blob(this.#held).arrayBuffer());
  }

  /** From now on pieces are sent, also those that are here already. */
  begin(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const bytes of held) this.#send(bytes);
    if (this.#end !== null) this.#sendEnd(this.#end);
  }

  /** The client has taken so many bytes more. */
  taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#room?.resolve();
    this.#room = null;
  }

  /** Nobody wants the rest. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#room?.resolve();
    if (this.#end === null) void this.#reader.cancel().catch(() => {});
  }

  async #run(): Promise<void> {
    let failure: string | null = null;
    try {
      for (;;) {
        while (this.#untaken >= MAX_UNTAKEN_BYTES && !this.#isCancelled) {
          this.#room = Promise.withResolvers();
          await this.#room.promise;
        }
        const { done, value } = await this.#reader.read();
        if (this.#isCancelled) return;
        if (done) break;
        this.#untaken += value.byteLength;
        // A copy: to transfer a buffer takes it from whoever else reads it, such as the file.
        this.#send(value.slice());
      }
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    if (this.#isCancelled) return;
    this.#end = { failure };
    this.#ended.resolve();
    if (this.#held === null) this.#sendEnd(this.#end);
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#held !== null) this.#held.push(bytes);
    else this.#port.post({ kind: "piece", id: this.#id, bytes }, [bytes.buffer]);
  }

  #sendEnd({ failure }: { readonly failure: string | null }): void {
    this.#port.post({ kind: "last-piece", id: this.#id, failure });
  }
}
