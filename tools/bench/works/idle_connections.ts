import { makeHit } from "../make_hit.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import { spreadOf } from "../statistics.ts";
import type { Server } from "../server.ts";
import type { Bench, Work } from "../work.ts";
import { wrk } from "../wrk.ts";

const IDLE = 10_000;

/** Connections that are begun at once. */
const BATCH = 200;

/** Hits one after the other, once all others are idle. */
const HITS = 500;

/** A server that takes longer with one answer does not take so many connections. */
const MAX_ANSWER_MS = 5_000;

const BUSY_CONNECTIONS = 32;
const MIB = 1024 * 1024;

/** Memory at rest, under load, with many idle connections, and after; a hit beside them. */
export const idleConnectionsWork: Work = {
  name: "idle-10k",
  title: "10,000 idle connections, then a hit",
  isQuick: false,
  metrics: [
    { name: "p50Ms", title: "p50 of hits", unit: "ms", better: "less" },
    { name: "restMib", title: "memory at rest", unit: "MiB", better: "less" },
    { name: "loadMib", title: "under load", unit: "MiB", better: "less" },
    { name: "idleMib", title: "with 10,000 idle", unit: "MiB", better: "less" },
    { name: "afterMib", title: "after", unit: "MiB", better: "less" },
  ],
  base: NGINX,
  bars: [],
  contestants: ({ peers }) => Promise.resolve(peers),
  async prepare(server, bench) {
    await makeHit(server, bench, SIZES.kib4);
  },
  async measure(server, { seconds }: Bench) {
    const path = `${new URL(server.url).pathname.replace(/\/$/, "")}/${SIZES.kib4}/hit.deb`;
    const restMib = server.residentBytes() / MIB;
    const url = `${server.url}/${SIZES.kib4}/hit.deb`;
    await wrk({ url, seconds, connections: BUSY_CONNECTIONS });
    const loadMib = server.residentBytes() / MIB;
    const connections: Connection[] = [];
    try {
      while (connections.length < IDLE) {
        const batch = Array.from(
          { length: BATCH },
          () => Connection.open(server, path),
        );
        connections.push(...await Promise.all(batch));
      }
      const idleMib = server.residentBytes() / MIB;
      const times: number[] = [];
      for (let hit = 0; hit < HITS; hit++) {
        const startedAt = performance.now();
        // Each time another one that was idle.
        await connections[Math.floor(hit * IDLE / HITS)]?.get();
        times.push(performance.now() - startedAt);
      }
      for (const connection of connections) connection.close();
      connections.length = 0;
      // As soon as it has seen all ends: it answers a new connection after them.
      (await Connection.open(server, path)).close();
      const afterMib = server.residentBytes() / MIB;
      return {
        p50Ms: spreadOf(times).median,
        restMib,
        loadMib,
        idleMib,
        afterMib,
      };
    } finally {
      for (const connection of connections) connection.close();
    }
  },
};

/** A connection that stays after an answer. */
class Connection {
  readonly #conn: Deno.TcpConn;
  readonly #request: Uint8Array;

  private constructor(conn: Deno.TcpConn, request: Uint8Array) {
    this.#conn = conn;
    this.#request = request;
  }

  /** With one answer behind it. */
  static async open(server: Server, path: string): Promise<Connection> {
    const { hostname, port, host } = new URL(server.url);
    const request = new TextEncoder().encode(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    );
    const conn = await Deno.connect({ hostname, port: Number(port) });
    const connection = new Connection(conn, request);
    try {
      await connection.get();
    } catch (error) {
      connection.close();
      throw new Error(`Cannot hold so many connections: ${error}`);
    }
    return connection;
  }

  async get(): Promise<void> {
    const overdue = setTimeout(() => this.close(), MAX_ANSWER_MS);
    try {
      await this.#exchange();
    } finally {
      clearTimeout(overdue);
    }
  }

  async #exchange(): Promise<void> {
    await this.#conn.write(this.#request);
    const buffer = new Uint8Array(2 * SIZES.kib4);
    let filled = 0;
    for (let end = Infinity; filled < end;) {
      const read = await this.#conn.read(buffer.subarray(filled));
      if (read === null) {
        throw new Error("Cannot measure: the server closes idle connections");
      }
      filled += read;
      if (end === Infinity) end = endOf(buffer.subarray(0, filled));
    }
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      // The server has closed it.
    }
  }
}

/** How long the whole answer is: its head and the body; Infinity before the head is there. */
function endOf(bytes: Uint8Array): number {
  const head = new TextDecoder("latin1").decode(bytes).indexOf("\r\n\r\n");
  return head < 0 ? Infinity : head + 4 + SIZES.kib4;
}
