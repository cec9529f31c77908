import { formatHttpDate } from "../../src/decide/http_date.ts";
import { Origin } from "./origin.ts";

/** Bytes of one piece that such a mirror sends. */
const PIECE_BYTES = 32 * 1024;

/** What a mirror of parts says of its file, and how it lets its clients down. */
export interface PartMirrorFacts {
  readonly etag?: string;
  readonly lastModified?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it answers requests for the whole only when all others have failed: it never wins. */
  readonly losesRaces?: boolean;
  /** Whether it sends the whole for a part. */
  readonly ignoresRanges?: boolean;
  /** What it has at these places, from and up to, is not what the others have. */
  readonly lies?: readonly (readonly [from: number, to: number])[];
  /** How many bytes are wrong at the end of each part that is not the file's last one. */
  readonly spoilsEndsBy?: number;
  /** How many bytes less than asked for its parts have; it says so. */
  readonly shortensPartsBy?: number;
  /** Asked before each answer: the status of an error, or null for the file. */
  readonly refuses?: () => number | null;
  /** Asked before each piece, with the offset in the file of its first byte. */
  readonly trouble?: (at: number) => "cut" | "stall" | null;
  /** Turns of the event loop before each piece. */
  readonly turns?: number;
  /** Told of each part that it was asked for. */
  readonly onPart?: (start: number, end: number) => void;
}

/** A mirror that has one file under every name, gives parts of it, and remembers which. */
export class PartMirror implements AsyncDisposable {
  /** Of the requests for parts; the end is exclusive. */
  readonly parts: [start: number, end: number][] = [];
  sentBytes = 0;
  /** Bodies under way, and the most that there were at once. */
  open = 0;
  mostOpen = 0;
  facts: PartMirrorFacts;
  readonly #all: Uint8Array<ArrayBuffer>;
  readonly #origin: Origin;

  constructor(all: Uint8Array<ArrayBuffer>, facts: PartMirrorFacts) {
    this.facts = facts;
    this.#all = all.slice();
    for (const [from, to] of facts.lies ?? []) {
      for (let at = from; at < to; at++) this.#all[at] = (this.#all[at] ?? 0) ^ 0xff;
    }
    this.#origin = new Origin(async ({ headers }, { signal }) => {
      const asked = headers.get("range");
      if (asked === null && this.facts.losesRaces) await aborted(signal);
      const status = this.facts.refuses?.() ?? null;
      return status === null ? this.#answer(headers) : new Response("sorry", { status });
    });
  }

  get url(): string {
    return this.#origin.url;
  }

  /** Requests of all kinds. */
  get requests(): number {
    return this.#origin.seen.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#origin[Symbol.asyncDispose]();
  }

  #answer(asked: Headers): Response {
    const { etag, lastModified, ignoresRanges, shortensPartsBy = 0 } = this.facts;
    const size = this.#all.byteLength;
    const headers = new Headers({
      "content-type": "application/octet-stream",
      ...this.facts.headers,
    });
    if (etag !== undefined) headers.set("etag", etag);
    if (lastModified !== undefined) headers.set("last-modified", formatHttpDate(lastModified));
    const range = /^bytes=(\d+)-(\d*)$/.exec(asked.get("range") ?? "");
    const isPart = range !== null && !ignoresRanges &&
      [null, etag].includes(asked.get("if-range"));
    const start = isPart ? Number(range[1]) : 0;
    const wanted = isPart && range[2] ? Math.min(size, Number(range[2]) + 1) : size;
    if (range !== null) {
      this.parts.push([start, wanted]);
      this.facts.onPart?.(start, wanted);
    }
    const end = isPart ? wanted - shortensPartsBy : wanted;
    headers.set("content-length", String(end - start));
    if (isPart) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
    return new Response(this.#body(start, end), { status: isPart ? 206 : 200, headers });
  }

  #body(start: number, end: number): ReadableStream<Uint8Array<ArrayBuffer>> {
    let at = start;
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    const cancelled = Promise.withResolvers<void>();
    return new ReadableStream({
      pull: async (controller) => {
        for (let turn = 0; turn < (this.facts.turns ?? 0); turn++) {
          await new Promise<void>((resolve) => setTimeout(resolve));
        }
        if (at === end) {
          this.open--;
          return controller.close();
        }
        const trouble = this.facts.trouble?.(at) ?? null;
        if (trouble === "cut") {
          this.open--;
          throw new Error("The mirror breaks off, as the test wants");
        }
        if (trouble === "stall") return await cancelled.promise;
        const piece = this.#all.slice(at, Math.min(end, at + PIECE_BYTES));
        const spoilFrom = end === this.#all.byteLength ? end : end - (this.facts.spoilsEndsBy ?? 0);
        for (let it = Math.max(0, spoilFrom - at); it < piece.byteLength; it++) {
          piece[it] = (piece[it] ?? 0) ^ 0xff;
        }
        at += piece.byteLength;
        this.sentBytes += piece.byteLength;
        controller.enqueue(piece);
      },
      cancel: () => {
        this.open--;
        cancelled.resolve();
      },
    }, { highWaterMark: 0 });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (!signal.aborted) await promise;
}
