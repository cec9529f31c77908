/** An answer as it was on the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  /** One character for each byte. */
  readonly body: string;
}

/**
 * Sends a request byte by byte as given, for what no HTTP client would send, and reads until the
 * server closes. The caller asks it to, by `Connection: close`.
 *
 * @param request One character for each byte.
 */
export async function rawRequest(port: number, request: string): Promise<RawAnswer> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  let bytes = Uint8Array.from(request, (character) => character.charCodeAt(0));
  try {
    while (bytes.byteLength > 0) bytes = bytes.subarray(await conn.write(bytes));
  } catch {
    // A server may answer and close before it has read all of a request that is too long.
  }
  const answer = await readToEnd(conn);
  const end = answer.indexOf("\r\n\r\n");
  const head = answer.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
  return { status, head, body: answer.slice(end + 4) };
}

async function readToEnd(conn: Deno.TcpConn): Promise<string> {
  const decoder = new TextDecoder("latin1");
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  try {
    for (;;) {
      const read = await conn.read(buffer);
      if (read === null) return text;
      text += decoder.decode(buffer.subarray(0, read));
    }
  } catch (error) {
    // A reset after the answer, when the server had not read everything.
    if (error instanceof Deno.errors.ConnectionReset) return text;
    throw error;
  }
}
