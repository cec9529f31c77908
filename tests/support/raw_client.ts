import { bytesOf } from "./body.ts";

/** An answer as it stood on the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A client that speaks bytes, not HTTP: for requests that `fetch` would not send. */
export class RawClient implements Disposable {
  readonly #conn: Deno.TcpConn;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends lines of a head, and the empty line after them. */
  async send(...lines: string[]): Promise<void> {
    let bytes = bytesOf([...lines, "", ""].join("\r\n"));
    while (bytes.byteLength > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
  }

  /** Reads until at least so many bytes are there, or the connection has ended. */
  async receive(bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const buffer = new Uint8Array(64 * 1024);
    for (let length = 0; length < bytes;) {
      const count = await this.#conn.read(buffer);
      if (count === null) break;
      chunks.push(buffer.slice(0, count));
      length += count;
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // It was closed by the test.
    }
  }
}

/** One request on a connection of its own: all that came back until the server closed it. */
export async function rawRequest(port: number, ...lines: string[]): Promise<RawAnswer> {
  using client = await RawClient.connect(port);
  await client.send(...lines, "Connection: close");
  return parseAnswer(await client.receive(Infinity));
}

function parseAnswer(bytes: Uint8Array<ArrayBuffer>): RawAnswer {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const end = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim());
  }
  return { status: Number(statusLine.split(" ")[1]), headers, body: bytes.slice(end + 4) };
}
