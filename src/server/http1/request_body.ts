import type { ConnReader } from "./conn_reader.ts";
import type { Framing } from "./framing.ts";

/** Bytes of one piece at most. */
const PIECE_BYTES = 64 * 1024;

/** RFC 9112 section 7.1: a size in hex digits, and extensions that nobody uses. */
const CHUNK_SIZE = /^([0-9a-f]{1,12})(?:[ \t]*;[^\n]*)?$/i;

/** Lines of a trailer section that are read over. */
const MAX_TRAILER_LINES = 100;

/** Who wants to know how far the reading is. */
export interface BodyListener {
  /** Awaited before the first byte is. */
  onFirstRead(): Promise<void>;
  /** Whether it is the client who is waited for, from now on. */
  onWait(isWaiting: boolean): void;
  /** All of it was read. */
  onEnd(): void;
}

/** A body that is read from a connection, no faster than somebody takes it. */
export class RequestBody {
  readonly #reader: ConnReader;
  readonly #listener: BodyListener;
  readonly #isChunked: boolean;
  /** Of the body, or else of the chunk. */
  #left: number;
  #hasBegun = false;
  #hasChunk = false;
  #isEnded = false;

  constructor(
    reader: ConnReader,
    framing: Exclude<Framing, { kind: "none" }>,
    listener: BodyListener,
  ) {
    this.#reader = reader;
    this.#listener = listener;
    this.#isChunked = framing.kind === "chunked";
    this.#left = framing.kind === "length" ? framing.bytes : 0;
  }

  /** Whether all of it was read. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * The next piece; null at the end.
   *
   * @throws {Error} When the client breaks it off, or sends what is no chunk.
   */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      await this.#listener.onFirstRead();
    }
    if (this.#isChunked && this.#left === 0 && !this.#isEnded) await this.#nextChunk();
    if (this.#isEnded) return null;
    while (this.#reader.buffered === 0) await this.#more();
    const piece = this.#reader.take(Math.min(this.#left, PIECE_BYTES));
    this.#left -= piece.byteLength;
    if (!this.#isChunked && this.#left === 0) this.#end();
    return piece;
  }

  /** The body as a stream. Whoever cancels it leaves the rest unread. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller): Promise<void> => {
        const piece = await this.read();
        if (piece === null) controller.close();
        else controller.enqueue(piece);
      },
    }, { highWaterMark: 0 });
  }

  async #nextChunk(): Promise<void> {
    if (this.#hasChunk && await this.#line() !== "") throw new Error("A chunk is too long");
    this.#hasChunk = true;
    const [, digits] = CHUNK_SIZE.exec(await this.#line()) ?? [];
    if (digits === undefined) throw new Error("Not a chunk");
    this.#left = Number.parseInt(digits, 16);
    if (this.#left > 0) return;
    for (let lines = 0; await this.#line() !== ""; lines++) {
      if (lines === MAX_TRAILER_LINES) throw new Error("The trailer section is too long");
    }
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#listener.onEnd();
  }

  async #line(): Promise<string> {
    for (;;) {
      const line = this.#reader.takeLine();
      if (line !== null) return line;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#reader.isFull) throw new Error("A line is too long");
    this.#listener.onWait(true);
    const isMore = await this.#reader.fill();
    this.#listener.onWait(false);
    if (!isMore) throw new Error("The client has broken its body off");
  }
}
