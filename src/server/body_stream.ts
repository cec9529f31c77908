import { FilePart, fileStream } from "../storage/read_file.ts";
import type { Clock } from "../types.ts";

/** How often it is looked whether clients take what they are sent, in milliseconds. */
const LOOK_EVERY_MS = 60_000;

/**
 * A body of which the client has taken nothing for so many looks is cut: it would keep its file open
 * and in the cache for ever. With the largest piece of 256 KiB that is less than 500 bytes a second.
 */
const MAX_IDLE_LOOKS = 10;

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

/** A body on its way to a client. */
export interface OpenBody {
  /** From now on it is the client who is waited for. */
  waitForClient(): void;
  /** No longer. */
  hasTaken(): void;
  end(): void;
}

/** All bodies that are on their way to clients, so that a shutdown can cut them. */
export class OpenBodies {
  readonly #cuts = new Set<(reason: string) => void>();
  /** Looks since a client has last taken something; none while it is we who are waited for. */
  readonly #idleLooks = new Map<(reason: string) => void, number>();
  readonly #clock: Pick<Clock, "after">;
  #cancelLook: (() => void) | null = null;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** Bodies under way. */
  get count(): number {
    return this.#cuts.size;
  }

  /**
   * One more body on its way, sent by whoever asks for this.
   *
   * @param cut Called when it is to be broken off; not after its end.
   */
  enter(cut: (reason: string) => void): OpenBody {
    this.#cuts.add(cut);
    return {
      waitForClient: () => this.#waitForClient(cut),
      hasTaken: () => void this.#idleLooks.delete(cut),
      end: () => {
        this.#idleLooks.delete(cut);
        if (this.#cuts.delete(cut) && this.#cuts.size === 0) this.#endLooks();
      },
    };
  }

  /**
   * The same stream, watched. A client that leaves breaks a body off as an error or a cut does.
   *
   * @param onBytes Called for each piece that is handed out.
   */
  watch(
    stream: ReadableStream<Uint8Array>,
    onEnd: OnEnd,
    onBytes: (bytes: number) => void = () => {},
  ): ReadableStream<Uint8Array> {
    const reader = stream.getReader();
    let bytes = 0;
    let cut = (_reason: string): void => {};
    const isOpen = (): boolean => this.#cuts.has(cut);
    const end = (brokenBy: string | null): void => {
      this.#idleLooks.delete(cut);
      if (!this.#cuts.delete(cut)) return;
      if (this.#cuts.size === 0) this.#endLooks();
      onEnd(bytes, brokenBy);
    };
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        cut = (reason) => {
          controller.error(new BrokenTransfer(reason));
          void reader.cancel().catch(() => {});
          end(reason);
        };
        this.#cuts.add(cut);
        this.#waitForClient(cut);
      },
      pull: async (controller): Promise<void> => {
        this.#idleLooks.delete(cut);
        try {
          const { done, value } = await reader.read();
          // After a cut the stream has ended already, and badly.
          if (!isOpen()) return;
          if (done) {
            controller.close();
            return end(null);
          }
          bytes += value.byteLength;
          onBytes(value.byteLength);
          controller.enqueue(value);
          this.#waitForClient(cut);
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
    for (const cut of [...this.#cuts]) cut("the proxy is shutting down");
  }

  #waitForClient(cut: (reason: string) => void): void {
    this.#idleLooks.set(cut, 0);
    this.#cancelLook ??= this.#clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  /** Counts looks instead of reading a clock, which may jump. */
  #look(): void {
    // Before the cuts: the last of them ends the looks.
    this.#cancelLook = this.#clock.after(LOOK_EVERY_MS, () => this.#look());
    for (const [cut, looks] of [...this.#idleLooks]) {
      if (looks + 1 >= MAX_IDLE_LOOKS) cut("the client takes nothing");
      else this.#idleLooks.set(cut, looks + 1);
    }
  }

  #endLooks(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
  }
}

/** Opens a part of a body: as a stream, or as the bytes themselves. */
export type PartOpener = () =>
  | Promise<ReadableStream<Uint8Array> | Uint8Array | FilePart>
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
          const stream = streamOf(part);
          // Whoever left while the part was being opened cannot close it any more.
          if (cancelled) return await stream.cancel();
          current = stream.getReader();
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

/** The bytes of a part as a stream, for those who take no file. */
export function streamOf(part: ReadableStream<Uint8Array> | FilePart): ReadableStream<Uint8Array> {
  return part instanceof FilePart ? fileStream(part.open, part.start, part.end) : part;
}
