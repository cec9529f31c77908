import { formatHttpDate } from "../../src/decide/http_date.ts";
import type { Answerer } from "./origin.ts";

/** What a mirror says of its file, and how it lets its clients down. */
export interface RangeMirrorFacts {
  readonly etag?: string;
  readonly lastModified?: number;
  /** The byte before which each body ends, while `trouble` lasts; without it bodies are whole. */
  readonly breakAt?: number;
  /** How many of its answers are in trouble; without it all are. */
  readonly troubles?: number;
  /** What happens at the break. */
  readonly how?: "cut" | "stall";
  readonly takesRanges?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Bytes of one piece that such a mirror sends. */
const PIECE_BYTES = 64 * 1024;

/** A mirror that has one file under every name, gives parts of it, and breaks off where it is told. */
export function rangeMirror(all: Uint8Array<ArrayBuffer>, facts: RangeMirrorFacts): Answerer {
  let answers = 0;
  return ({ headers: asked }) => {
    const headers = new Headers({ "content-type": "application/octet-stream", ...facts.headers });
    if (facts.etag !== undefined) headers.set("etag", facts.etag);
    if (facts.lastModified !== undefined) {
      headers.set("last-modified", formatHttpDate(facts.lastModified));
    }
    const range = /^bytes=(\d+)-$/.exec(asked.get("range") ?? "");
    const isPart = range !== null && facts.takesRanges !== false &&
      [null, facts.etag].includes(asked.get("if-range"));
    const start = isPart ? Number(range[1]) : 0;
    headers.set("content-length", String(all.byteLength - start));
    if (isPart) {
      headers.set("content-range", `bytes ${start}-${all.byteLength - 1}/${all.byteLength}`);
    }
    const inTrouble = facts.breakAt !== undefined && answers++ < (facts.troubles ?? Infinity);
    const end = inTrouble ? Math.max(start, facts.breakAt ?? 0) : all.byteLength;
    const body = pieces(all.subarray(start, end), inTrouble ? facts.how ?? "cut" : "end");
    return new Response(body, { status: isPart ? 206 : 200, headers });
  };
}

function pieces(
  bytes: Uint8Array<ArrayBuffer>,
  then: "end" | "cut" | "stall",
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  const cancelled = Promise.withResolvers<void>();
  return new ReadableStream({
    async pull(controller) {
      if (at < bytes.byteLength) {
        controller.enqueue(bytes.slice(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        return;
      }
      if (then === "end") return controller.close();
      if (then === "cut") throw new Error("The mirror breaks off, as the test wants");
      await cancelled.promise;
    },
    cancel() {
      cancelled.resolve();
    },
  }, { highWaterMark: 0 });
}
