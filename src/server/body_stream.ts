/** Called once when a body has ended: bytes handed out, and why that was not all; null: it was. */
export type OnEnd = (bytes: number, brokenBy: string | null) => void;

/**
 * What a body fails with when it cannot be sent to its end. The platform prints it to standard
 * error; the access log has the rest, so it prints as one line.
 */
class BrokenTransfer extends Error {
  [Symbol.for("Deno.customInspect")](): string {
    return `Transfer to a client broke off: ${this.message}`;
  }
}

/** All bodies that are on their way to clients, so that a shutdown can cut them. */
export class OpenBodies {
  readonly #cuts = new Set<() => void>();

  /**
   * The same stream, watched. A client that leaves breaks a body off as an error or a cut does.
   */
  watch(stream: ReadableStream<Uint8Array>, onEnd: OnEnd): ReadableStream<Uint8Array> {
    const reader = stream.getReader();
    let bytes = 0;
    let cut = (): void => {};
    const isOpen = (): boolean => this.#cuts.has(cut);
    const end = (brokenBy: string | null): void => {
      if (this.#cuts.delete(cut)) onEnd(bytes, brokenBy);
    };
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        cut = () => {
          const reason = "the proxy is shutting down";
          controller.error(new BrokenTransfer(reason));
          void reader.cancel().catch(() => {});
          end(reason);
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
            return end(null);
          }
          bytes += value.byteLength;
          controller.enqueue(value);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          end(reason);
          throw new BrokenTransfer(reason, { cause: error });
        }
      },
      async cancel(reason): Promise<void> {
        end("the client left");
        await reader.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** Breaks every transfer off: clients see a connection that closes too early. */
  cutAll(): void {
    for (const cut of [...this.#cuts]) cut();
  }
}

/** Opens a part of a body: as a stream, or as the bytes themselves. */
export type PartOpener = () =>
  | Promise<ReadableStream<Uint8Array> | Uint8Array>
  | Uint8Array<ArrayBuffer>;

/** Parts one after the other, each opened when the one before it has ended. */
export function concatenated(openers: readonly PartOpener[]): ReadableStream<Uint8Array> {
  let next = 0;
  let current: ReadableStreamDefaultReader<Uint8Array> | null = null;
  let cancelled = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (;;) {
        if (current === null) {
          const opener = openers[next++];
          if (opener === undefined) return controller.close();
          const part = await opener();
          if (part instanceof Uint8Array) {
            if (!cancelled) controller.enqueue(part);
            return;
          }
          // Whoever left while the part was being opened cannot close it any more.
          if (cancelled) return await part.cancel();
          current = part.getReader();
        }
        const { done, value } = await current.read();
        if (cancelled) return;
        if (!done) return controller.enqueue(value);
        current = null;
      }
    },
    async cancel(reason): Promise<void> {
      cancelled = true;
      await current?.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
