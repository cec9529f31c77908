import { StorageError } from "../errors.ts";
import type { PartialFile } from "../storage/storage.ts";
import type { BodySource } from "./body_source.ts";
import type { ProgressSignal } from "./progress_signal.ts";

/** Bytes that may have been read from upstream and not yet written: then reading pauses. */
const FILE_LAG_BYTES = 8 * 1024 * 1024;

/** Bytes that may wait in memory for the leading client: then it goes on from the file. */
const LEAD_LAG_BYTES = 8 * 1024 * 1024;

/** Chunks at least this large are written as they are; smaller ones are gathered first. */
const GATHER_BELOW_BYTES = 256 * 1024;

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

/** A forked body. */
export interface Fork {
  /** The branch of the client that leads; null when none was wanted. */
  readonly lead: ReadableStream<Uint8Array> | null;
  /** Never rejects. */
  readonly written: Promise<ForkEnd>;
  /** Resolves when the upstream's body has been read to its end or given up; never rejects. */
  readonly drained: Promise<void>;
}

/** How to fork. */
export interface ForkOptions {
  readonly wantsLead: boolean;
  /** Largest single write, in bytes. */
  readonly batchBytes: number;
  /** Opens the growing file for the leading client at its own offset, once it lags. */
  readonly follow: (offset: number) => Promise<ReadableStream<Uint8Array>>;
}

/**
 * Forks an upstream's body to the file and to the client that leads.
 *
 * `tee()` alone queues without a bound for its slower branch. So the source that is teed has a
 * gate: it gives nothing while the file lags by `FILE_LAG_BYTES`, and a lead that lags by
 * `LEAD_LAG_BYTES` has its branch cancelled and reads on from the growing file. Memory is bounded
 * by the two, whatever the disk and the client do; and the client never slows the fill.
 */
export function fork(
  source: BodySource,
  file: PartialFile,
  progress: ProgressSignal,
  options: ForkOptions,
): Fork {
  const gate = new GatedSource(source);
  if (!options.wantsLead) {
    const writer = new FileBranch(gate.stream, gate, file, progress, options.batchBytes, null);
    return { lead: null, written: writer.run(), drained: gate.drained };
  }
  const [leadBranch, fileBranch] = gate.stream.tee();
  const lead = new LeadBranch(leadBranch, options.follow);
  gate.onPulled = (pulled) => lead.detachIfBehind(pulled);
  const writer = new FileBranch(fileBranch, gate, file, progress, options.batchBytes, lead);
  return { lead: lead.stream, written: writer.run(), drained: gate.drained };
}

/** The upstream's body as a stream that pauses while the file lags. */
class GatedSource {
  readonly stream: ReadableStream<Uint8Array>;
  readonly drained: Promise<void>;
  onPulled: (pulled: number) => void = () => {};
  readonly #drained = Promise.withResolvers<void>();
  #pulled = 0;
  #written = 0;
  #opened: PromiseWithResolvers<void> | null = null;

  constructor(source: BodySource) {
    this.drained = this.#drained.promise;
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
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
          this.onPulled(this.#pulled);
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

/** The leading client's stream: first its branch of the tee, the growing file once it lags. */
class LeadBranch {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #branch: ReadableStreamDefaultReader<Uint8Array>;
  readonly #follow: (offset: number) => Promise<ReadableStream<Uint8Array>>;
  #following: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #offset = 0;
  #state: "attached" | "detached" | "gone" = "attached";

  constructor(
    branch: ReadableStream<Uint8Array>,
    follow: (offset: number) => Promise<ReadableStream<Uint8Array>>,
  ) {
    this.#branch = branch.getReader();
    this.#follow = follow;
    this.stream = new ReadableStream<Uint8Array>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#cancel(),
    }, { highWaterMark: 0 });
  }

  /** Whether the branch itself still feeds the client, so that it gets all bytes without a file. */
  get isAttached(): boolean {
    return this.#state === "attached";
  }

  detachIfBehind(pulled: number): void {
    if (this.#state === "attached" && pulled - this.#offset > LEAD_LAG_BYTES) {
      this.#leaveBranch("detached");
    }
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#state === "attached") {
      const result = await this.#branch.read();
      // A branch that was left while the read was pending ends without being at the end.
      if (this.#state === "attached" || !result.done) return this.#pass(controller, result);
    }
    this.#following ??= (await this.#follow(this.#offset)).getReader();
    // The client may have gone while the file was being opened.
    if (this.#isGone()) return void this.#following.cancel().catch(() => {});
    this.#pass(controller, await this.#following.read());
  }

  #pass(
    controller: ReadableStreamDefaultController<Uint8Array>,
    result: ReadableStreamReadResult<Uint8Array>,
  ): void {
    if (this.#isGone()) return;
    if (result.done) return controller.close();
    this.#offset += result.value.byteLength;
    controller.enqueue(result.value);
  }

  #isGone(): boolean {
    return this.#state === "gone";
  }

  #cancel(): void {
    this.#leaveBranch("gone");
    void this.#following?.cancel().catch(() => {});
  }

  #leaveBranch(state: "detached" | "gone"): void {
    this.#state = state;
    // Resolves only when the other branch is cancelled too, so nobody waits for it.
    void this.#branch.cancel().catch(() => {});
  }
}

/**
 * Writes one branch to the file. Reading and writing overlap: what comes in during a write is
 * gathered and goes out with the next one, so a fast body makes large writes and a slow one
 * reaches its followers without delay.
 */
class FileBranch {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #gate: GatedSource;
  readonly #file: PartialFile;
  readonly #progress: ProgressSignal;
  readonly #lead: LeadBranch | null;
  readonly #batch: Uint8Array<ArrayBuffer>;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | null = null;
  #failure: { readonly error: unknown; readonly unwritten: Uint8Array } | null = null;

  constructor(
    branch: ReadableStream<Uint8Array>,
    gate: GatedSource,
    file: PartialFile,
    progress: ProgressSignal,
    batchBytes: number,
    lead: LeadBranch | null,
  ) {
    this.#reader = branch.getReader();
    this.#gate = gate;
    this.#file = file;
    this.#progress = progress;
    this.#batch = new Uint8Array(Math.min(batchBytes, FILE_LAG_BYTES / 2));
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
        if (this.#queuedBytes >= this.#batch.byteLength) await this.#writing;
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
    const gatherBelow = Math.min(GATHER_BELOW_BYTES, this.#batch.byteLength);
    if (first.byteLength >= gatherBelow || this.#queue.length === 1) {
      this.#queue.shift();
      this.#queuedBytes -= first.byteLength;
      return first;
    }
    let used = 0;
    let taken = 0;
    for (const chunk of this.#queue) {
      if (used + chunk.byteLength > this.#batch.byteLength) break;
      this.#batch.set(chunk, used);
      used += chunk.byteLength;
      taken++;
    }
    this.#queue.splice(0, taken);
    this.#queuedBytes -= used;
    return this.#batch.subarray(0, used);
  }

  /** The disk takes no more. Whoever leads has its own branch; else the rest is kept for one. */
  #unstorable(last: Uint8Array | null): ForkEnd {
    const error = this.#failure?.error ?? new StorageError("storage-failed", "Cannot write");
    if (this.#lead?.isAttached) {
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
