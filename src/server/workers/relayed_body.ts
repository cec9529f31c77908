import type { FromServing, Port } from "./messages.ts";

/** The serving worker's side of a relay: what arrives of a body, as a stream. */
export class RelayedBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Bounded by the sender, who is told what was taken. */
  readonly #pieces: Uint8Array[] = [];
  #end: { readonly failure: string | null } | null = null;
  #arrival: PromiseWithResolvers<void> | null = null;
  #isCancelled = false;

  constructor(id: number, port: Port<FromServing>) {
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller): Promise<void> => {
        while (this.#pieces.length === 0 && this.#end === null) {
          this.#arrival = Promise.withResolvers();
          await this.#arrival.promise;
          if (this.#isCancelled) return;
        }
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          port.post({ kind: "taken", id, bytes: piece.byteLength });
          return controller.enqueue(piece);
        }
        const failure = this.#end?.failure ?? null;
        if (failure !== null) throw new Error(failure);
        controller.close();
      },
      // Whoever sends it learns of it by the end of the exchange.
      cancel: () => {
        this.#isCancelled = true;
        this.#pieces.length = 0;
        this.#arrive();
      },
    }, { highWaterMark: 0 });
  }

  push(bytes: Uint8Array): void {
    if (this.#isCancelled) return;
    this.#pieces.push(bytes);
    this.#arrive();
  }

  /** @param failure Why that was not all; null: it was. */
  end(failure: string | null): void {
    this.#end = { failure };
    this.#arrive();
  }

  #arrive(): void {
    this.#arrival?.resolve();
    this.#arrival = null;
  }
}
