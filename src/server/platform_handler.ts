import { type OpenBodies, streamOf } from "./body_stream.ts";
import type { ClientRequest } from "./client_request.ts";
import type { Outgoing } from "./outgoing.ts";

/** The same handler for `Deno.serve`, which speaks TLS and HTTP/2. */
export function platformHandler(
  handle: (request: ClientRequest) => Promise<Outgoing>,
  openBodies: OpenBodies,
): (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response> {
  return async (request, info) => {
    const { method, url, headers, body, signal } = request;
    const client = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const outgoing = await handle({ method, url, headers, body, signal, client });
    const { status, headers: fields } = outgoing;
    const init = { status, headers: [...fields] as [string, string][] };
    return new Response(bodyOf(outgoing, openBodies), init);
  };
}

function bodyOf(
  { body, onBytes, onEnd }: Outgoing,
  openBodies: OpenBodies,
): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null {
  if (body === null || body instanceof Uint8Array) {
    const bytes = body?.byteLength ?? 0;
    onBytes(bytes);
    onEnd(bytes, null);
    return body as Uint8Array<ArrayBuffer> | null;
  }
  return openBodies.watch(streamOf(body), onEnd, onBytes);
}
