import { Counter } from "./gate.ts";

/** A request as an origin saw it. */
export interface SeenRequest {
  readonly method: string;
  /** The request target as it was on the wire: path and query, not decoded. */
  readonly target: string;
  readonly headers: Headers;
}

/** How an origin answers one request. */
export type Answerer = (request: SeenRequest, raw: Request) => Response | Promise<Response>;

/** A mirror on loopback that counts what it is asked and answers as the test says. */
export class Origin implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  /** Counts the requests, for those who wait for one. */
  readonly asked = new Counter();
  /** Bodies that whoever asked gave up before their end. */
  cancelled = 0;
  answer: Answerer;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: Answerer) {
    this.answer = answer;
    const options = {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      // A body that a test breaks off is no news.
      onError: () => new Response(null, { status: 500 }),
    };
    this.#server = Deno.serve(options, (request) => {
      const target = request.url.slice(request.url.indexOf("/", "http://".length));
      const seen = { method: request.method, target, headers: request.headers };
      this.seen.push(seen);
      this.asked.up();
      return this.answer(seen, request);
    });
  }

  /** Base URL without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** How often a path (with its query) was asked for by a method. */
  count(method: string, target?: string): number {
    return this.seen.filter((s) => s.method === method && (target ?? s.target) === s.target).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** One connection of a `RawOrigin`, its request head already read. */
export interface RawExchange {
  readonly head: string;
  readonly conn: Deno.TcpConn;
  write(text: string): Promise<void>;
  /** Resolves when the other side has closed the connection. */
  closedByPeer(): Promise<void>;
  /** Closes with a reset where the system allows it, else plainly. */
  close(): void;
}

/** A mirror that speaks bytes, not HTTP: for answers that no HTTP library would send. */
export class RawOrigin implements AsyncDisposable {
  readonly heads: string[] = [];
  /** Counts the requests, for those who wait for one. */
  readonly asked = new Counter();
  readonly #listener: Deno.TcpListener;
  readonly #conns = new Set<Deno.TcpConn>();
  readonly #exchanges = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  readonly #resets: boolean;

  /** @param resets Whether connections are reset at their first byte; the script is not run then. */
  constructor(
    script: (exchange: RawExchange) => Promise<void> | void,
    { resets = false }: { readonly resets?: boolean } = {},
  ) {
    this.#resets = resets;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#running = this.#run(script);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) closeQuietly(conn);
    await this.#running;
  }

  /** Resolves when the scripts of all connections have ended. */
  async idle(): Promise<void> {
    while (this.#exchanges.size > 0) await Promise.all(this.#exchanges);
  }

  async #run(script: (exchange: RawExchange) => Promise<void> | void): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        this.#conns.add(conn);
        const exchange = this.#exchange(conn, script).then(() => {
          this.#exchanges.delete(exchange);
        });
        this.#exchanges.add(exchange);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.idle();
  }

  async #exchange(
    conn: Deno.TcpConn,
    script: (exchange: RawExchange) => Promise<void> | void,
  ): Promise<void> {
    try {
      if (this.#resets) {
        // To close with unread bytes sends a reset.
        await conn.read(new Uint8Array(1));
        return this.asked.up();
      }
      const head = await readHead(conn);
      if (head === null) return;
      this.heads.push(head);
      this.asked.up();
      await script({
        head,
        conn,
        write: async (text) => await writeAll(conn, new TextEncoder().encode(text)),
        closedByPeer: async () => {
          const buffer = new Uint8Array(1024);
          while (await conn.read(buffer).catch(() => null) !== null);
        },
        close: () => closeQuietly(conn),
      });
    } catch {
      // The proxy closing its side in the middle of a script is part of most scripts.
    } finally {
      this.#conns.delete(conn);
      closeQuietly(conn);
    }
  }
}

async function readHead(conn: Deno.TcpConn): Promise<string | null> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const read = await conn.read(buffer);
    if (read === null) return null;
    head += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return head;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  while (bytes.byteLength > 0) bytes = bytes.subarray(await conn.write(bytes));
}

function closeQuietly(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It was closed already.
  }
}
