/** Not the address from which connections are made, so that none of theirs takes the port. */
const HOSTNAME = "127.0.0.2";

/** Until the port is tried again that somebody else took meanwhile, in milliseconds. */
const RETRY_MS = 20;

/** Stands in front of a mirror and passes bytes both ways, until its host goes down. */
export class Relay implements AsyncDisposable {
  readonly url: string;
  readonly #target: { readonly hostname: string; readonly port: number };
  readonly #port: number;
  readonly #conns = new Set<Deno.TcpConn>();
  readonly #running = new Set<Promise<void>>();
  #listener: Deno.TcpListener | null;
  #revival: ReturnType<typeof setTimeout> | null = null;

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#target = { hostname, port: Number(port) };
    this.#listener = Deno.listen({ hostname: HOSTNAME, port: 0 });
    this.#port = (this.#listener.addr as Deno.NetAddr).port;
    this.url = `http://${HOSTNAME}:${this.#port}`;
    this.#track(this.#accept(this.#listener));
  }

  /** Closes the listener and all connections; listens again, on the same port, after so long. */
  goDown(forMs: number): void {
    if (this.#listener === null) return;
    this.#close();
    this.#revival = setTimeout(() => this.#comeBack(), forMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#revival !== null) clearTimeout(this.#revival);
    this.#close();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #comeBack(): void {
    this.#revival = null;
    try {
      this.#listener = Deno.listen({ hostname: HOSTNAME, port: this.#port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      // Another test's server on all addresses, or a relay: it stays down for longer.
      this.#revival = setTimeout(() => this.#comeBack(), RETRY_MS);
      return;
    }
    this.#track(this.#accept(this.#listener));
  }

  #close(): void {
    this.#listener?.close();
    this.#listener = null;
    for (const conn of this.#conns) close(conn);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    try {
      for await (const conn of listener) {
        this.#conns.add(conn);
        this.#track(this.#relay(conn, listener));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #relay(conn: Deno.TcpConn, listener: Deno.TcpListener): Promise<void> {
    const target = await Deno.connect(this.#target);
    this.#conns.add(target);
    // It may have gone down meanwhile.
    if (this.#listener !== listener) close(conn);
    await Promise.allSettled([
      conn.readable.pipeTo(target.writable),
      target.readable.pipeTo(conn.writable),
    ]);
    for (const it of [conn, target]) {
      this.#conns.delete(it);
      close(it);
    }
  }

  #track(running: Promise<void>): void {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // It was closed already.
  }
}
