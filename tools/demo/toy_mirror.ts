import { createHash } from "node:crypto";

/** What a mirror has come to; `idle` before it was asked. */
export type MirrorState = "idle" | "asked" | "sending" | "sent" | "cancelled" | "broke off";

/** How a mirror answers. */
export interface Behaviour {
  /** 0: it takes the request and never answers. */
  readonly bytesPerSecond: number;
  /** Bytes after which it breaks the connection off; null: it never does. */
  readonly breaksOffAfter: number | null;
}

const BLOCK_BYTES = 64 * 1024;

/** All mirrors have the same file: this block, again and again. */
const BLOCK = crypto.getRandomValues(new Uint8Array(BLOCK_BYTES));

/**
 * A mirror on loopback that has one file under every path, and counts what it sends of it. It
 * writes to the connection itself: what is counted has left the mirror.
 */
export class ToyMirror implements AsyncDisposable {
  /** Bytes of bodies that it has sent. */
  sent = 0;
  state: MirrorState = "idle";
  readonly #behaviour: Behaviour;
  readonly #fileBytes: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;

  constructor(readonly name: string, fileBytes: number, behaviour: Behaviour) {
    this.#fileBytes = fileBytes;
    this.#behaviour = behaviour;
    this.#running = this.#run();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const answers: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) answers.push(this.#answer(connection));
    } catch (error) {
      // This is how a listener that is closed ends.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(answers);
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    try {
      // The proxy's request fits into one read, and there is but one file to ask for.
      await connection.read(new Uint8Array(BLOCK_BYTES));
      this.state = "asked";
      if (this.#behaviour.bytesPerSecond === 0) await connection.read(new Uint8Array(1));
      else await this.#send(connection);
      if (this.state === "asked") this.state = "cancelled";
    } catch {
      // A write to somebody who has gone.
      this.state = "cancelled";
    } finally {
      if (this.#connections.delete(connection)) closeQuietly(connection);
    }
  }

  async #send(connection: Deno.TcpConn): Promise<void> {
    const { bytesPerSecond, breaksOffAfter } = this.#behaviour;
    this.state = "sending";
    const startedAt = performance.now();
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${this.#fileBytes}\r\n` +
      "last-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: close\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(head));
    for (let offset = 0; offset < this.#fileBytes; offset += BLOCK_BYTES) {
      if (breaksOffAfter !== null && offset >= breaksOffAfter) {
        this.state = "broke off";
        return;
      }
      const block = BLOCK.subarray(0, this.#fileBytes - offset);
      const dueAt = startedAt + (offset + block.byteLength) / bytesPerSecond * 1000;
      await passed(dueAt - performance.now());
      await writeAll(connection, block);
      this.sent += block.byteLength;
    }
    this.state = "sent";
  }
}

/** SHA-256, in hexadecimal, of the file that all mirrors have. */
export function hashOfFile(fileBytes: number): string {
  const hash = createHash("sha256");
  for (let offset = 0; offset < fileBytes; offset += BLOCK_BYTES) {
    hash.update(BLOCK.subarray(0, fileBytes - offset));
  }
  return hash.digest("hex");
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  while (bytes.byteLength > 0) bytes = bytes.subarray(await connection.write(bytes));
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed when the mirror was.
  }
}

async function passed(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
