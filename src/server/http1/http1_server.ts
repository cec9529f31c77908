import { getLogger } from "@logtape/logtape";
import { Connection, type ConnectionParts } from "./connection.ts";

/** How often connections are looked at that send nothing, in milliseconds. */
const LOOK_EVERY_MS = 5_000;

/** How long nobody is let in after the system had no room for another connection. */
const ACCEPT_PAUSE_MS = 500;

const log = getLogger(["cache-proxy", "server"]);

/** Where to listen. */
export interface Http1Options extends ConnectionParts {
  readonly hostname: string;
  readonly port: number;
  /** As in `ClientPlace`. */
  readonly reusePort?: boolean;
}

/**
 * Serves HTTP/1.1 (and 1.0) without TLS. Our own, since it is what a hit costs: an answer from
 * memory takes half of the time that it takes with `Deno.serve`, and a large file goes to the socket
 * without a stream in between (ARCHITECTURE.md, "Serving").
 */
export class Http1Server {
  readonly #listener: Deno.TcpListener;
  readonly #parts: ConnectionParts;
  readonly #connections = new Set<Connection>();
  readonly #looking: ReturnType<typeof setInterval>;
  readonly #finished: Promise<void>;
  #isDraining = false;
  #allGone = Promise.withResolvers<void>();

  /** @throws {Error} When the address cannot be had. */
  constructor({ hostname, port, reusePort = false, handler, openBodies }: Http1Options) {
    this.#parts = { handler, openBodies };
    this.#listener = Deno.listen({ hostname, port, ...reusePort ? { reusePort } : {} });
    this.#looking = setInterval(() => {
      for (const connection of this.#connections) connection.look();
    }, LOOK_EVERY_MS);
    this.#finished = this.#accept();
  }

  get addr(): Deno.NetAddr {
    return this.#listener.addr as Deno.NetAddr;
  }

  /** Takes no new connections. Resolves when every answer that is under way has gone out. */
  async shutdown(): Promise<void> {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#listener.close();
      for (const connection of this.#connections) connection.drain();
    }
    await this.#finished;
    if (this.#connections.size > 0) await this.#allGone.promise;
    clearInterval(this.#looking);
  }

  /** Cuts whatever is left. */
  closeAll(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #accept(): Promise<void> {
    while (!this.#isDraining) {
      try {
        const conn = await this.#listener.accept();
        conn.setNoDelay(true);
        this.#run(conn);
      } catch (error) {
        if (this.#isDraining) return;
        // Of a client that has left before it was let in, or for want of descriptors.
        log.warn("Cannot take a connection: {error}", { error });
        await new Promise<void>((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  #run(conn: Deno.TcpConn): void {
    const connection = new Connection(conn, this.#parts);
    this.#connections.add(connection);
    if (this.#isDraining) connection.drain();
    void connection.run().then(() => {
      this.#connections.delete(connection);
      if (this.#isDraining && this.#connections.size === 0) this.#allGone.resolve();
    });
  }
}
