import type { OpenBodies } from "./body_stream.ts";
import { type Http1Handler } from "./http1/connection.ts";
import { Http1Server } from "./http1/http1_server.ts";
import { platformHandler } from "./platform_handler.ts";

/** What clients connect to. */
export interface ClientListener {
  readonly addr: Deno.NetAddr;
  /** Takes no new connections. Resolves when every answer that is under way has gone out. */
  shutdown(): Promise<void>;
  /** Cuts what is left, as far as it can be. */
  closeAll(): void;
}

/** Where clients connect, and how. */
export interface ClientPlace {
  readonly hostname: string;
  readonly port: number;
  /** Certificate and key in PEM; null: no TLS. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Whether others of this process listen there as well, and the system deals out connections. */
  readonly reusePort?: boolean;
}

/**
 * Listens for clients: by our own server without TLS, by the platform's with it, which speaks HTTP/2
 * as well.
 *
 * @throws {Error} When the address cannot be had, or certificate and key do not fit.
 */
export function listenForClients(
  { hostname, port, tls, reusePort = false }: ClientPlace,
  handler: Http1Handler,
  openBodies: OpenBodies,
): ClientListener {
  if (tls === null) return new Http1Server({ hostname, port, reusePort, handler, openBodies });
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname, port, reusePort, ...tls, onListen: () => {} },
    platformHandler((request) => handler.handle(request), openBodies, () => server.addr),
  );
  return { addr: server.addr, shutdown: () => server.shutdown(), closeAll: () => {} };
}
