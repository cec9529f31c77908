import { readBytes } from "../storage/read_file.ts";
import type { Entry } from "../types.ts";
import type { Fill } from "./fill.ts";
import { OVERLAP_BYTES } from "./resumable_body.ts";

/**
 * Bytes of one read from the growing file. Many slow joiners hold one such buffer each, and garbage
 * of twice the size takes fifty of them over 256 MiB now and then.
 */
export const READ_BYTES = 128 * 1024;

/** What following needs of a fill. */
export type Followed =
  & Pick<Fill, "path" | "progress" | "claimRest">
  & Partial<Pick<Fill, "skipTo" | "joined">>;

/** Opens the bytes of exactly this copy; null when it was replaced or removed. */
export type OpenStored = (entry: Entry) => Promise<OpenFile | null>;

/** An open file; disposing of it closes it. */
type OpenFile = Disposable & { readonly file: Deno.FsFile };

/**
 * The bytes of a growing file from `start` up to `end` (exclusive; null: up to wherever the body
 * ends), as they come in. Fails when the body breaks off, so that the client's transfer breaks too.
 *
 * The file is opened before the promise resolves: from then on it stays readable, whether the fill
 * is committed, aborted or replaced.
 *
 * @throws {Error} When the fill has ended and left no file, nothing at `start`, or another copy has
 * taken its place.
 */
export async function followGrowing(
  fill: Followed,
  start: number,
  end: number | null,
  openStored: OpenStored,
): Promise<GrowingStream> {
  const reader = new GrowingReader(fill, await openGrowing(fill, openStored), start, end);
  reader.begin();
  return new GrowingStream(reader, fill, start, end);
}

/** The stream of `followGrowing`, and where another worker finds the same bytes. */
export class GrowingStream extends ReadableStream<Uint8Array> {
  readonly #reader: GrowingReader;

  constructor(
    reader: GrowingReader,
    readonly followed: Followed,
    readonly start: number,
    readonly end: number | null,
  ) {
    super(sourceOf(reader));
    this.#reader = reader;
  }

  /** Has it begin at another byte of the file. Before the first read alone. */
  beginAt(offset: number): void {
    this.#reader.moveTo(offset);
  }
}

function sourceOf(reader: GrowingReader): UnderlyingSource<Uint8Array> {
  return {
    type: "bytes",
    autoAllocateChunkSize: READ_BYTES,
    // Only those of the other type are no byte streams.
    pull: (controller) => reader.pull(controller as ReadableByteStreamController),
    cancel: () => reader.cancel(),
  };
}

/** Opens the file under whichever of its two names it has right now. */
async function openGrowing(fill: Followed, openStored: OpenStored): Promise<OpenFile> {
  try {
    if (fill.path !== null) {
      const file = await Deno.open(fill.path);
      return { file, [Symbol.dispose]: () => file.close() };
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  // The file is renamed or removed just before the end is told.
  while (fill.progress.end === null) await fill.progress.changed();
  const { end } = fill.progress;
  if (end.kind !== "stored") throw new Error(`Cannot follow a fill that has ended: ${end.reason}`);
  // By its name alone it could be the file of a later fill: bytes of two copies never mix.
  const stored = await openStored(end.entry);
  if (stored === null) throw new Error("Cannot follow a fill whose file was replaced or removed");
  return stored;
}

class GrowingReader {
  readonly #fill: Followed;
  readonly #open: OpenFile;
  readonly #end: number | null;
  #offset: number;
  /** What the file does not have: the rest of the body, or an answer to a request of our own. */
  #rest: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #restOffset = 0;
  readonly #gone = new AbortController();
  readonly #leave: (() => void) | null;
  #closed = false;

  constructor(fill: Followed, open: OpenFile, start: number, end: number | null) {
    this.#fill = fill;
    this.#open = open;
    this.#offset = start;
    this.#end = end;
    open.file.seekSync(start, Deno.SeekMode.Start);
    this.#leave = fill.joined?.() ?? null;
  }

  /** @throws {Error} When it is certain that there will be nothing to read. */
  begin(): void {
    this.#claimRestIfStuck();
    const { written, end } = this.#fill.progress;
    if (this.#offset < written || this.#offset === this.#end || this.#rest !== null) return;
    if (end?.kind !== "broken" && end?.kind !== "unstorable") return;
    this.#close();
    throw new Error(`Cannot read from byte ${this.#offset}: ${end.reason}`);
  }

  moveTo(offset: number): void {
    this.#open.file.seekSync(offset, Deno.SeekMode.Start);
    this.#offset = offset;
    this.#claimRestIfStuck();
  }

  async pull(controller: ReadableByteStreamController): Promise<void> {
    try {
      await this.#pull(controller);
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  cancel(): void {
    this.#close();
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    const { progress } = this.#fill;
    while (!this.#closed) {
      this.#claimRestIfStuck();
      if (this.#offset === this.#end) return this.#finish(controller);
      if (this.#offset < progress.written) return await this.#readFile(controller);
      const { end } = progress;
      if (end === null) await progress.changed();
      else if (end.kind === "stored" || end.kind === "unpublished") return this.#finish(controller);
      else if (this.#rest !== null) return await this.#readRest(controller);
      else if (await this.#goOnElsewhere()) continue;
      else throw new Error(`Cannot read on at byte ${this.#offset}: ${end.reason}`);
    }
  }

  /** Claimed at the first sight of the trouble, since an unclaimed rest is soon given up. */
  #claimRestIfStuck(): void {
    const { progress } = this.#fill;
    if (progress.end?.kind !== "unstorable" || this.#rest !== null) return;
    if (this.#end !== null && this.#end <= progress.written) return;
    this.#rest = this.#fill.claimRest()?.getReader() ?? null;
    this.#restOffset = progress.written;
  }

  /** Somebody else has the rest of a body that the disk did not take: an upstream has it too. */
  async #goOnElsewhere(): Promise<boolean> {
    const { skipTo, progress } = this.#fill;
    if (progress.end?.kind !== "unstorable" || this.#end === null) return false;
    if (skipTo === undefined) return false;
    const tail = await this.#tail();
    const stream = await skipTo.call(this.#fill, this.#offset, this.#end, this.#gone.signal, tail);
    if (stream === null) return false;
    this.#rest = stream.getReader();
    this.#restOffset = this.#offset;
    if (this.#closed) void this.#rest.cancel().catch(() => {});
    return true;
  }

  /** The last bytes that the file has before the offset. */
  async #tail(): Promise<Uint8Array<ArrayBuffer>> {
    const from = Math.max(0, this.#offset - OVERLAP_BYTES);
    await this.#open.file.seek(from, Deno.SeekMode.Start);
    return await readBytes(this.#open.file, from, this.#offset);
  }

  async #readFile(controller: ReadableByteStreamController): Promise<void> {
    const view = controller.byobRequest?.view;
    if (!view) throw new Error("Cannot read the growing file: no buffer was asked for");
    const limit = Math.min(this.#fill.progress.written, this.#end ?? Infinity);
    const length = Math.min(view.byteLength, limit - this.#offset);
    const buffer = new Uint8Array(view.buffer, view.byteOffset, length);
    const bytes = await this.#open.file.read(buffer);
    // A cancel during the read has closed the file, and the stream takes nothing more.
    if (this.#closed) return;
    if (bytes === null) throw new Error(`Cannot read on at byte ${this.#offset}: file was cut`);
    this.#offset += bytes;
    controller.byobRequest?.respond(bytes);
  }

  /** The rest starts at a byte of its own; what lies before our offset or after our end is left. */
  async #readRest(controller: ReadableByteStreamController): Promise<void> {
    for (;;) {
      const result = await this.#rest?.read();
      if (this.#closed) return;
      if (result === undefined || result.done) return this.#finish(controller);
      const from = Math.max(0, this.#offset - this.#restOffset);
      const to = Math.min(result.value.byteLength, (this.#end ?? Infinity) - this.#restOffset);
      this.#restOffset += result.value.byteLength;
      if (from >= to) continue;
      this.#offset += to - from;
      // A copy: enqueueing transfers the buffer, and parts of it may be in use elsewhere.
      controller.enqueue(result.value.slice(from, to));
      return;
    }
  }

  #finish(controller: ReadableByteStreamController): void {
    this.#close();
    controller.close();
    // A pending request for a buffer must be answered before the close takes effect.
    controller.byobRequest?.respond(0);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave?.();
    this.#gone.abort();
    this.#open[Symbol.dispose]();
    void this.#rest?.cancel().catch(() => {});
  }
}
