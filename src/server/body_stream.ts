/** Called once when a body has ended: bytes handed out, and whether that was all of it. */
export type OnEnd = (bytes: number, complete: boolean) => void;

/** All bodies that are on their way to clients, so that a shutdown can cut them. */
export class OpenBodies {
  readonly #cuts = new Set<() => void>();

  /**
   * The same stream, watched. An error counts as incomplete, and so does a client that leaves or a
   * cut.
   */
  watch(stream: ReadableStream<Uint8Array>, onEnd: OnEnd): ReadableStream<Uint8Array> {
    const reader = stream.getReader();
    let bytes = 0;
    let cut = (): void => {};
    const isOpen = (): boolean => this.#cuts.has(cut);
    const end = (complete: boolean): void => {
      if (this.#cuts.delete(cut)) onEnd(bytes, complete);
    };
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        cut = () => {
          controller.error(new Error("Cannot send the rest: the proxy is shutting down"));
          void reader.cancel().catch(() => {});
          end(false);
        };
        this.#cuts.add(cut);
      },
      async pull(controller): Promise<void> {
        try {
          const { done, value } = await reader.read();
          // After a cut the stream has ended already, and badly.
          if (!isOpen()) return;
          if (done) {
            controller.close();
            return end(true);
          }
          bytes += value.byteLength;
          controller.enqueue(value);
        } catch (error) {
          end(false);
          throw error;
        }
      },
      async cancel(reason): Promise<void> {
        end(false);
        await reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Breaks every transfer off: clients see a connection that closes too early. */
  cutAll(): void {
    for (const cut of [...this.#cuts]) cut();
  }
}

/** Streams one after the other, each opened when the one before it has ended. */
export function concatenated(
  openers: readonly (() => Promise<ReadableStream<Uint8Array>> | Uint8Array<ArrayBuffer>)[],
): ReadableStream<Uint8Array> {
  let next = 0;
  let current: ReadableStreamDefaultReader<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (;;) {
        if (current === null) {
          const opener = openers[next++];
          if (opener === undefined) return controller.close();
          const opened = opener();
          if (opened instanceof Uint8Array) return controller.enqueue(opened);
          current = (await opened).getReader();
        }
        const { done, value } = await current.read();
        if (!done) return controller.enqueue(value);
        current = null;
      }
    },
    async cancel(reason): Promise<void> {
      next = openers.length;
      await current?.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
