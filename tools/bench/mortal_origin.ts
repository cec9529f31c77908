/**
 * A mirror in a process of its own that can be told to die, and may be of no use from the start. The
 * first part of a path is the size of the file in bytes: `/1000/a.iso`. Prints its base URL and
 * serves until it is ended.
 *
 * It speaks HTTP by hand, since no server library resets connections or ends a body short.
 *
 * - `/die/reset`, `/die/stall`, `/die/short`: all bodies under way end so, at once. Later requests
 *   are reset, left without an answer, or closed.
 * - `/live`: it is well again.
 *
 * Usage: mortal_origin.ts ADDRESS BYTES_PER_SECOND HEAD_DELAY_MS [reset|stall|short]
 *
 * @module
 */

import { bytesAt } from "./pattern.ts";
import { TokenBucket } from "./token_bucket.ts";

/** How a mirror lets its clients down. */
export type Death = "reset" | "stall" | "short";

/** No run takes longer. */
const MAX_LIFE_MS = 1_200_000;

const MAX_HEAD_BYTES = 8 * 1024;

const LAST_MODIFIED = "Thu, 15 Jan 2026 12:00:00 GMT";

/** All but the last byte of what ends a head. */
const ALMOST_THE_END = "\r\n\r";

class MortalOrigin {
  readonly #bucket: TokenBucket;
  readonly #headDelayMs: number;
  #death: Death | null;

  constructor(bytesPerSecond: number, headDelayMs: number, death: Death | null) {
    this.#bucket = new TokenBucket(bytesPerSecond);
    this.#headDelayMs = headDelayMs;
    this.#death = death;
  }

  async serve(listener: Deno.TcpListener): Promise<void> {
    for await (const conn of listener) {
      conn.setNoDelay(true);
      void this.#connection(conn).catch(() => {}).finally(() => close(conn));
    }
  }

  async #connection(conn: Deno.TcpConn): Promise<void> {
    for (;;) {
      // A connection that is closed with an unread byte is reset.
      const head = await readHead(conn);
      if (head === null) return;
      const path = head.split(" ")[1] ?? "";
      const [, command = "", how = ""] = path.split("/");
      if (command === "die" || command === "live") {
        this.#death = command === "live" ? null : how as Death;
        await write(conn, new TextEncoder().encode("HTTP/1.1 204 No Content\r\n\r\n"));
      } else if (!await this.#answer(conn, head, Number(command))) {
        if (this.#death !== "reset") await conn.read(new Uint8Array(1));
        // Whoever was left waiting gives up some time.
        if (this.#death === "stall") await conn.read(new Uint8Array(1));
        return;
      }
      await conn.read(new Uint8Array(1));
    }
  }

  /** Whether the answer is whole. */
  async #answer(conn: Deno.TcpConn, head: string, size: number): Promise<boolean> {
    if (this.#death !== null) return false;
    await sleep(this.#headDelayMs);
    const range = /\r\nrange: bytes=(\d+)-(\d*)/i.exec(head);
    const start = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Math.min(size, Number(range[2]) + 1) : size;
    const fields = [
      range === null ? "HTTP/1.1 200 OK" : "HTTP/1.1 206 Partial Content",
      "content-type: application/octet-stream",
      `last-modified: ${LAST_MODIFIED}`,
      "accept-ranges: bytes",
      `content-length: ${end - start}`,
      ...range === null ? [] : [`content-range: bytes ${start}-${end - 1}/${size}`],
    ];
    await write(conn, new TextEncoder().encode(`${fields.join("\r\n")}\r\n\r\n`));
    if (head.startsWith("HEAD ")) return true;
    for (let at = start; at < end;) {
      const bytes = bytesAt(at, end);
      await this.#bucket.take(bytes.byteLength);
      if (this.#death !== null) return false;
      await write(conn, bytes);
      at += bytes.byteLength;
    }
    return true;
  }
}

/** Reads a request's head but for its last byte; null at the end of the connection. */
async function readHead(conn: Deno.TcpConn): Promise<string | null> {
  const byte = new Uint8Array(1);
  let head = "";
  while (!head.endsWith(ALMOST_THE_END)) {
    if (head.length === MAX_HEAD_BYTES || await conn.read(byte) === null) return null;
    head += String.fromCharCode(byte[0] ?? 0);
  }
  return head;
}

async function write(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += await conn.write(bytes.subarray(at));
}

async function sleep(ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // The other side was first.
  }
}

if (import.meta.main) {
  const [hostname = "127.0.0.1", bytesPerSecond, headDelayMs, death] = Deno.args;
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  Deno.stdout.writeSync(new TextEncoder().encode(`http://${hostname}:${port}\n`));
  setTimeout(() => Deno.exit(1), MAX_LIFE_MS);
  const origin = new MortalOrigin(
    Number(bytesPerSecond),
    Number(headDelayMs),
    (death ?? null) as Death | null,
  );
  await origin.serve(listener);
}
