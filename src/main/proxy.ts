import { Cache } from "../cache/cache.ts";
import type { Config } from "../config/config.ts";
import { CacheProxyError } from "../errors.ts";
import { Flights } from "../fill/flights.ts";
import { OpenBodies } from "../server/body_stream.ts";
import { createHandler } from "../server/handler.ts";
import { viaName } from "../server/loop.ts";
import { LocalStorage } from "../storage/local_storage.ts";
import type { Clock } from "../types.ts";

/** How long connections that were cut may take to go, in milliseconds. */
const CUT_GRACE_MS = 1_000;

/** A proxy that is serving. */
export interface Proxy {
  readonly address: Deno.NetAddr;
  /** Resolves when no download is under way; more may start later. */
  idle(): Promise<void>;
  /**
   * Takes no new connections, gives what is under way `graceMs` milliseconds to end, cuts the rest,
   * removes what is unfinished and closes the index. Aborting `hurry` cuts at once.
   */
  stop(graceMs: number, hurry: AbortSignal): Promise<void>;
}

/** What the program itself knows. */
export interface ProxyOptions {
  readonly version: string;
  readonly clock: Clock;
}

/**
 * Builds the parts, from the disk upwards, and starts to serve.
 *
 * @throws {StorageError} When the data directory cannot be used.
 * @throws {CacheProxyError} `listen-failed` when the address cannot be had or the certificate and
 * its key do not fit, `tls-unreadable` when they cannot be read.
 */
export async function startProxy(config: Config, options: ProxyOptions): Promise<Proxy> {
  const { clock } = options;
  const tls = config.listen.tls === null ? {} : {
    cert: await readPem("certificate", config.listen.tls.cert),
    key: await readPem("private key", config.listen.tls.key),
  };
  const storage = await LocalStorage.open({ ...config.storage, system: { clock } });
  const instance = crypto.randomUUID().slice(0, 8);
  const flights = new Flights({
    upstreams: config.upstreams,
    ...config.misc,
    ...config.fetch,
    userAgent: `cache-proxy/${options.version}`,
    via: `1.1 ${viaName(instance)}`,
    storage,
    clock,
  });
  const cache = new Cache({ storage, filler: flights, ...config.cache, clock });
  const openBodies = new OpenBodies();
  const handler = createHandler({
    cache,
    clock,
    accel: config.storage.accel,
    ownHosts: ownHosts(config),
    instance,
    openBodies,
  });
  const { address: hostname, port } = config.listen;
  try {
    const server = Deno.serve({ hostname, port, ...tls, onListen: () => {} }, handler);
    const parts = { server, flights, openBodies, storage };
    return {
      address: server.addr,
      idle: () => flights.drained(),
      stop: (graceMs, hurry) => stop(parts, graceMs, hurry),
    };
  } catch (error) {
    await flights.abortAll();
    storage.close();
    throw listenFailure(config, error);
  }
}

async function readPem(what: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CacheProxyError("tls-unreadable", "config", `Cannot read ${what} "${path}": ${why}`, {
      cause: error,
    });
  }
}

function listenFailure(config: Config, cause: unknown): CacheProxyError {
  const { address, port } = config.listen;
  const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const why = cause instanceof Deno.errors.AddrInUse
    ? "something else does; --listen names another place"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new CacheProxyError("listen-failed", "config", `Cannot listen on ${place}: ${why}`, {
    cause,
  });
}

interface RunningParts {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly flights: Flights;
  readonly openBodies: OpenBodies;
  readonly storage: LocalStorage;
}

async function stop(parts: RunningParts, graceMs: number, hurry: AbortSignal): Promise<void> {
  const { server, flights, openBodies, storage } = parts;
  // Requests first: one that is still waiting may start a fill.
  const served = server.shutdown();
  await settledOrAfter(served.then(() => flights.drained()), graceMs, hurry);
  await flights.abortAll();
  openBodies.cutAll();
  // What is left now are bytes in the sockets of clients that do not read them.
  await settledOrAfter(served, CUT_GRACE_MS, new AbortController().signal);
  storage.close();
}

/** Waits for the promise, but not beyond the time, and not once somebody is in a hurry. */
async function settledOrAfter(
  promise: Promise<unknown>,
  ms: number,
  hurry: AbortSignal,
): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, ms);
  hurry.addEventListener("abort", () => enough.resolve(), { once: true });
  if (hurry.aborted) enough.resolve();
  await Promise.race([promise, enough.promise]);
  clearTimeout(timer);
}

/** The hosts that a request in absolute form may name, in lower case. */
function ownHosts(config: Config): ReadonlySet<string> {
  const upstreams = config.upstreams.map(({ server }) => new URL(server).host);
  const own = ["localhost", "127.0.0.1", "[::1]", config.listen.address.toLowerCase()];
  return new Set([...upstreams, ...own]);
}
