import { type OpenBodies, streamOf } from "./body_stream.ts";
import type { ClientRequest } from "./client_request.ts";
import type { Outgoing } from "./outgoing.ts";

/**
 * The same handler for `Deno.serve`, which speaks TLS and HTTP/2.
 *
 * @param local Where it listens, once it does.
 */
export function platformHandler(
  handle: (request: ClientRequest) => Promise<Outgoing>,
  openBodies: OpenBodies,
  local: () => Deno.NetAddr,
): (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response> {
  return async (request, info) => {
    const { method, url, headers, body, signal } = request;
    const client = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
    const form = formOf(url, headers.get("host"));
    const whole = { method, url, headers, body, signal, client, form, local: local() };
    const outgoing = await handle(whole);
    const { status, headers: fields } = outgoing;
    const init = { status, headers: [...fields] as [string, string][] };
    return new Response(bodyOf(outgoing, openBodies), init);
  };
}

/**
 * The platform puts scheme and host before a path that was sent, and leaves a URL that was sent as
 * it is. A URL of our own scheme and host is as good as its path.
 */
function formOf(url: string, host: string | null): "origin" | "absolute" {
  const [, authority = ""] = /^https:\/\/([^/?#]*)/i.exec(url) ?? [];
  if (authority === "") return "absolute";
  // HTTP/2 has no Host field: the authority is what the client calls us.
  return host === null || host === "" || host === authority ? "origin" : "absolute";
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
