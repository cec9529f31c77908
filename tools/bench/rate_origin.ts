/**
 * A mirror in a process of its own that gives files at a bounded rate, by connection. The first part
 * of a path is the size of the file in bytes: `/1000/a.iso`. Prints its base URL and serves until it
 * is ended.
 *
 * Usage: rate_origin.ts ADDRESS BYTES_PER_SECOND
 *
 * @module
 */

import { bytesAt } from "./pattern.ts";
import { TokenBucket } from "./token_bucket.ts";

/** No run takes longer. */
const MAX_LIFE_MS = 600_000;

const LAST_MODIFIED = "Thu, 15 Jan 2026 12:00:00 GMT";

function bodyOf(start: number, end: number, bucket: TokenBucket): ReadableStream<Uint8Array> {
  let at = start;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      if (at === end) return controller.close();
      const bytes = bytesAt(at, end);
      await bucket.take(bytes.byteLength);
      at += bytes.byteLength;
      controller.enqueue(bytes);
    },
  }, { highWaterMark: 0 });
}

function answer(request: Request, bucket: TokenBucket): Response {
  const size = Number(new URL(request.url).pathname.split("/")[1]);
  const headers = new Headers({
    "content-type": "application/octet-stream",
    "last-modified": LAST_MODIFIED,
    "accept-ranges": "bytes",
  });
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const start = Number(range?.[1] ?? 0);
  const end = range?.[2] ? Math.min(size, Number(range[2]) + 1) : size;
  headers.set("content-length", String(end - start));
  if (range !== null) headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  const body = request.method === "HEAD" ? null : bodyOf(start, end, bucket);
  return new Response(body, { status: range === null ? 200 : 206, headers });
}

function serve(hostname: string, bytesPerSecond: number): void {
  const buckets = new Map<string, TokenBucket>();
  Deno.serve({
    hostname,
    port: 0,
    onListen: ({ port }) => {
      Deno.stdout.writeSync(new TextEncoder().encode(`http://${hostname}:${port}\n`));
    },
  }, (request, { remoteAddr }) => {
    const connection = `${remoteAddr.hostname}:${remoteAddr.port}`;
    const bucket = buckets.get(connection) ?? new TokenBucket(bytesPerSecond);
    buckets.set(connection, bucket);
    return answer(request, bucket);
  });
  setTimeout(() => Deno.exit(1), MAX_LIFE_MS);
}

if (import.meta.main) {
  const [hostname = "127.0.0.1", bytesPerSecond] = Deno.args;
  serve(hostname, Number(bytesPerSecond));
}
