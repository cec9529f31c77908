/** A body whose pace the test sets: each piece waits until it is let through. */
export class GatedBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves when whoever reads has given the body up. */
  readonly cancelled: Promise<void>;
  readonly #gates: PromiseWithResolvers<void>[];
  #next = 0;

  /** @param pieces All but the first wait for `release`. */
  constructor(pieces: readonly Uint8Array<ArrayBuffer>[]) {
    const cancelled = Promise.withResolvers<void>();
    this.cancelled = cancelled.promise;
    this.#gates = pieces.map(() => Promise.withResolvers<void>());
    this.release();
    let next = 0;
    this.stream = new ReadableStream({
      pull: async (controller) => {
        const piece = pieces[next];
        if (piece === undefined) return controller.close();
        await Promise.race([this.#gates[next]?.promise, cancelled.promise]);
        next++;
        controller.enqueue(piece);
      },
      cancel: () => cancelled.resolve(),
    }, { highWaterMark: 0 });
  }

  /** Lets the next piece through. */
  release(): void {
    this.#gates[this.#next++]?.resolve();
  }
}
