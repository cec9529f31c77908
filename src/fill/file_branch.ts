import { StorageError } from "../errors.ts";
import type { PartialFile } from "../storage/storage.ts";
import { FILE_LAG_BYTES, type GatedSource } from "./gated_source.ts";
import type { LeadBranch } from "./lead_branch.ts";
import type { PieceBuffers } from "./piece_buffers.ts";
import type { ProgressSignal } from "./progress_signal.ts";

/** Chunks at least this large are written as they are; smaller ones are gathered first. */
const GATHER_BELOW_BYTES = 64 * 1024;

/** What came of writing. */
export type ForkEnd =
  | { readonly kind: "complete" }
  /** The upstream broke off. */
  | { readonly kind: "broken"; readonly error: unknown }
  /** The disk took no more; the client that leads has the rest, or `rest` does. */
  | {
    readonly kind: "unstorable";
    readonly error: unknown;
    readonly rest: ReadableStream<Uint8Array> | null;
  };

/**
 * Writes one branch to the file. Reading and writing overlap: what comes in during a write is
 * gathered and goes out with the next one, so a fast body makes large writes without a timer, and a
 * slow one reaches its joiners at once.
 */
export class FileBranch {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #gate: GatedSource;
  readonly #file: PartialFile;
  readonly #progress: ProgressSignal;
  readonly #lead: LeadBranch | null;
  readonly #batchBytes: number;
  readonly #buffers: PieceBuffers | null;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Made when there is something to gather: most files are small. */
  #batch: Uint8Array<ArrayBuffer> | null = null;
  #writing: Promise<void> | null = null;
  #failure: { readonly error: unknown; readonly unwritten: Uint8Array } | null = null;

  constructor(
    branch: ReadableStream<Uint8Array>,
    gate: GatedSource,
    file: PartialFile,
    progress: ProgressSignal,
    { batchBytes, buffers }: {
      readonly batchBytes: number;
      readonly buffers: PieceBuffers | null;
    },
    lead: LeadBranch | null,
  ) {
    this.#reader = branch.getReader();
    this.#gate = gate;
    this.#file = file;
    this.#progress = progress;
    this.#batchBytes = Math.min(batchBytes, FILE_LAG_BYTES / 2);
    this.#buffers = buffers;
    this.#lead = lead;
  }

  async run(): Promise<ForkEnd> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (this.#failure !== null) return this.#unstorable(value ?? null);
        if (done) break;
        this.#queue.push(value);
        this.#queuedBytes += value.byteLength;
        this.#writing ??= this.#writeQueue();
        if (this.#queuedBytes >= this.#batchBytes) await this.#writing;
      }
      await this.#writing;
      return this.#failure === null ? { kind: "complete" } : this.#unstorable(null);
    } catch (error) {
      await this.#writing;
      return { kind: "broken", error };
    }
  }

  /** Writes until the queue is empty. Never rejects: the reading side looks at `#failure`. */
  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0 && this.#failure === null) {
      const chunk = this.#nextWrite();
      try {
        await this.#file.write(chunk);
        this.#buffers?.done(chunk);
        this.#gate.setWritten(this.#file.written);
        this.#progress.advance(this.#file.written);
      } catch (error) {
        this.#failure = { error, unwritten: chunk };
        this.#gate.setWritten(Infinity);
      }
    }
    this.#writing = null;
  }

  #nextWrite(): Uint8Array<ArrayBuffer> {
    const first = this.#queue[0] as Uint8Array<ArrayBuffer>;
    const gatherBelow = Math.min(GATHER_BELOW_BYTES, this.#batchBytes);
    if (first.byteLength >= gatherBelow || this.#queue.length === 1) {
      this.#queue.shift();
      this.#queuedBytes -= first.byteLength;
      return first;
    }
    const batch = this.#batch ??= new Uint8Array(this.#batchBytes);
    let used = 0;
    let taken = 0;
    for (const chunk of this.#queue) {
      if (used + chunk.byteLength > batch.byteLength) break;
      batch.set(chunk, used);
      used += chunk.byteLength;
      taken++;
      this.#buffers?.done(chunk);
    }
    this.#queue.splice(0, taken);
    this.#queuedBytes -= used;
    return batch.subarray(0, used);
  }

  /** The disk takes no more. Whoever leads has its own branch; else the rest is kept for one. */
  #unstorable(last: Uint8Array | null): ForkEnd {
    const error = this.#failure?.error ?? new StorageError("storage-failed", "Cannot write");
    if (this.#lead?.isAttached) {
      this.#lead.inherit();
      void this.#reader.cancel().catch(() => {});
      return { kind: "unstorable", error, rest: null };
    }
    const held = [this.#failure?.unwritten ?? new Uint8Array(), ...this.#queue];
    if (last !== null) held.push(last);
    return { kind: "unstorable", error, rest: streamOf(held, this.#reader) };
  }
}

function streamOf(
  held: Uint8Array[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const chunk = held.shift() ?? (await reader.read()).value;
      if (chunk === undefined) controller.close();
      else if (chunk.byteLength > 0) controller.enqueue(chunk);
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
}
