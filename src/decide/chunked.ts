/** RFC 9112 section 7.1: a size in hex digits, and extensions that nobody uses. */
const CHUNK_SIZE = /^([0-9a-f]{1,12})[ \t]*(?:;[^\n]*)?$/i;

/** A line that is longer is none of a chunked body's. */
const MAX_LINE_BYTES = 4 * 1024;

/** Lines of a trailer section that are read over. */
const MAX_TRAILER_LINES = 100;

/** What a look into the buffer has found. */
export type ChunkPart =
  /** Bytes of the body, in the buffer from `start` to `end`. */
  | { readonly kind: "data"; readonly start: number; readonly end: number }
  /** More must come in. Everything in the buffer before `start` is done with. */
  | { readonly kind: "more"; readonly start: number }
  | { readonly kind: "end"; readonly start: number }
  | { readonly kind: "bad"; readonly detail: string };

/** Takes a body in the chunked coding apart, as it comes in. */
export class Chunked {
  #state: "size" | "data" | "after" | "trailer" | "end" = "size";
  /** Of the chunk. */
  #left = 0;
  #trailerLines = 0;

  /** Looks at the next bytes; what it calls data counts as taken. */
  next(buffer: Uint8Array, start: number, end: number): ChunkPart {
    for (let at = start;;) {
      if (this.#state === "end") return { kind: "end", start: at };
      if (this.#state === "data") {
        if (at === end) return { kind: "more", start: at };
        const to = Math.min(end, at + this.#left);
        this.#left -= to - at;
        if (this.#left === 0) this.#state = "after";
        return { kind: "data", start: at, end: to };
      }
      const lineEnd = buffer.indexOf(0x0a, at);
      if (lineEnd === -1 || lineEnd >= end) {
        if (end - at > MAX_LINE_BYTES) return bad("a line between its chunks is too long");
        return { kind: "more", start: at };
      }
      if (lineEnd - at > MAX_LINE_BYTES) return bad("a line between its chunks is too long");
      const problem = this.#line(textOf(buffer, at, lineEnd));
      if (problem !== null) return bad(problem);
      at = lineEnd + 1;
    }
  }

  #line(line: string): string | null {
    switch (this.#state) {
      case "after":
        this.#state = "size";
        return line === "" ? null : "a chunk is longer than it says";
      case "size": {
        const digits = CHUNK_SIZE.exec(line)?.[1];
        if (digits === undefined) return "a chunk has no size";
        this.#left = Number.parseInt(digits, 16);
        this.#state = this.#left === 0 ? "trailer" : "data";
        return null;
      }
      default:
        if (line === "") this.#state = "end";
        return ++this.#trailerLines > MAX_TRAILER_LINES ? "its trailer section is too long" : null;
    }
  }
}

function bad(detail: string): ChunkPart {
  return { kind: "bad", detail };
}

/** Without the CR at its end. */
function textOf(buffer: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...buffer.subarray(start, end - (buffer[end - 1] === 0x0d ? 1 : 0)));
}
