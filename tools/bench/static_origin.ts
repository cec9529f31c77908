/**
 * The origin of the benchmark where nginx is not installed: `/BYTES/NAME` is the file BYTES of a
 * folder, with a validator and one range at most.
 *
 * Usage: static_origin.ts FOLDER PORT ADDRESS…
 *
 * @module
 */

import { join } from "@std/path";

const [folder = "", port = "", ...addresses] = Deno.args;
const lastModified = new Date().toUTCString();
let requests = 0;

for (const hostname of addresses) Deno.serve({ hostname, port: Number(port) }, answer);

async function answer(request: Request): Promise<Response> {
  requests++;
  const { pathname } = new URL(request.url);
  if (pathname === "/requests") return new Response(` 0 0 ${requests} \n`);
  const name = /^\/(\d+)\//.exec(pathname)?.[1];
  if (name === undefined) return new Response(null, { status: 404 });
  const size = Number(name);
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": "public, max-age=86400",
    "content-type": "application/octet-stream",
    "last-modified": lastModified,
    etag: `"${size}"`,
  });
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(Number(range?.[2] || Infinity), size - 1);
  headers.set("content-length", String(end - start + 1));
  if (range !== null) headers.set("content-range", `bytes ${start}-${end}/${size}`);
  const file = await Deno.open(join(folder, name));
  await file.seek(start, Deno.SeekMode.Start);
  return new Response(file.readable.pipeThrough(first(end - start + 1)), {
    status: range === null ? 200 : 206,
    headers,
  });
}

/** Passes on so many bytes. */
function first(bytes: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      if (left > 0) controller.enqueue(chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left <= 0) controller.terminate();
    },
  });
}
