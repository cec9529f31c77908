import { lookup } from "node:dns/promises";

/** Gives the addresses of a host, which may be an address itself. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** As the system resolves names, its hosts file included. */
export async function resolveHost(hostname: string): Promise<readonly string[]> {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return (await lookup(bare, { all: true })).map(({ address }) => address);
}

/**
 * The same, no longer than until the signal is aborted, whose reason it then rejects with: a
 * resolver cannot be told to stop.
 */
export async function resolveUntil(
  resolve: ResolveHost,
  hostname: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([resolve(hostname), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
