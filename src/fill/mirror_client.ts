import { UpstreamError } from "../errors.ts";
import { ClosedUnanswered, MirrorConnection, type RawAnswer } from "./mirror_connection.ts";

/** Connections of one client that wait for another request; what is more is closed. */
const MAX_IDLE = 64;

/** How long they wait, in milliseconds: mirrors seldom keep theirs for longer. */
const IDLE_MS = 60_000;

/** Where a request goes. */
export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Asks mirrors by plain HTTP/1.1, on connections that are kept. It is here for what a request costs:
 * 8 µs of the processor for a file of 4 KiB against 50 to 80 of the platform's `fetch`.
 */
export class MirrorClient implements Disposable {
  readonly #all = new Set<MirrorConnection>();
  /** By address; the one that was used last is at the end. */
  readonly #idle = new Map<string, MirrorConnection[]>();
  #idleCount = 0;
  /** Those that were idle at the last look and were not used since. */
  #stale = new Set<MirrorConnection>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isClosed = false;

  /**
   * Sends a request without a body and reads the head of its answer. One that a kept connection did
   * not answer with a single byte is sent once more, on a new one.
   *
   * @param request As it goes on the wire.
   * @param signal Ends the request up to the head; after that the body is there to be cancelled.
   * @throws {UpstreamError} `network`, or the reason of the signal.
   */
  async ask(
    { hostname, port }: Address,
    method: string,
    request: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const place = `${hostname}:${port}`;
    const kept = this.#take(place);
    try {
      if (kept !== null) {
        try {
          return await this.#askOn(kept, method, request, signal);
        } catch (error) {
          if (!(error instanceof ClosedUnanswered) || signal.aborted) throw error;
        }
      }
      const fresh = await this.#connect(hostname, port, place, signal);
      return await this.#askOn(fresh, method, request, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof UpstreamError) throw error;
      throw new UpstreamError({ kind: "network", detail: detailOf(error) }, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const connection of this.#all) if (!connection.isBusy) connection.close();
  }

  async #askOn(
    connection: MirrorConnection,
    method: string,
    request: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<RawAnswer> {
    const onAbort = (): void => connection.close();
    signal.addEventListener("abort", onAbort);
    try {
      if (signal.aborted) onAbort();
      return await connection.ask(method, request);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #take(place: string): MirrorConnection | null {
    const connection = this.#idle.get(place)?.pop() ?? null;
    if (connection === null) return null;
    this.#idleCount--;
    this.#stale.delete(connection);
    connection.claim();
    return connection;
  }

  async #connect(
    hostname: string,
    port: number,
    place: string,
    signal: AbortSignal,
  ): Promise<MirrorConnection> {
    // Both families are tried, RFC 8305.
    const conn = await Deno.connect({ hostname: hostname.replace(/^\[|\]$/g, ""), port, signal });
    conn.setNoDelay(true);
    const connection = new MirrorConnection(conn, (it) => this.#changed(it, place));
    this.#all.add(connection);
    connection.claim();
    return connection;
  }

  #changed(connection: MirrorConnection, place: string): void {
    const idle = this.#idle.get(place) ?? [];
    if (connection.isClosed) {
      this.#all.delete(connection);
      this.#stale.delete(connection);
      const at = idle.indexOf(connection);
      if (at === -1) return;
      idle.splice(at, 1);
      this.#idleCount--;
      return;
    }
    if (this.#isClosed || this.#idleCount >= MAX_IDLE) return connection.close();
    idle.push(connection);
    this.#idle.set(place, idle);
    this.#idleCount++;
    if (this.#timer === null) this.#lookLater();
  }

  /** Counts looks, so that nothing is to be done for a connection when it is used. */
  #look(): void {
    this.#timer = null;
    for (const connection of this.#stale) connection.close();
    this.#stale = new Set([...this.#idle.values()].flat());
    for (const [place, idle] of this.#idle) if (idle.length === 0) this.#idle.delete(place);
    if (this.#idleCount > 0) this.#lookLater();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => this.#look(), IDLE_MS);
    // An exit waits for requests, not for idle connections.
    Deno.unrefTimer(this.#timer);
  }
}

/** In a few words, without an address in it. */
function detailOf(error: unknown): string {
  if (error instanceof ClosedUnanswered) {
    return error.cause === undefined ? "connection closed before an answer" : detailOf(error.cause);
  }
  if (error instanceof Deno.errors.ConnectionRefused) return "Connection refused";
  if (error instanceof Deno.errors.ConnectionReset) return "connection reset";
  if (error instanceof Deno.errors.BrokenPipe) return "connection closed before an answer";
  if (error instanceof Deno.errors.TimedOut) return "connection timed out";
  const message = error instanceof Error ? error.message : String(error);
  const lookup = /failed to lookup address information: ([^:(]+)/.exec(message)?.[1];
  if (lookup !== undefined) return `dns error: ${lookup.trim()}`;
  return message.replace(/ \(os error \d+\)$/, "").slice(0, 200);
}
