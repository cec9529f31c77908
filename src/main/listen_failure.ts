import { CacheProxyError } from "../errors.ts";

/** A place to listen at. */
export interface ListenPlace {
  readonly address: string;
  readonly port: number;
}

/**
 * Why a place cannot be listened at.
 *
 * @param hint How to name another place.
 */
export function listenFailure(
  { address, port }: ListenPlace,
  hint: string,
  cause: unknown,
): CacheProxyError {
  const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const why = cause instanceof Deno.errors.AddrInUse
    ? `something else does; ${hint} names another place`
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new CacheProxyError("listen-failed", "config", `Cannot listen on ${place}: ${why}`, {
    cause,
  });
}
