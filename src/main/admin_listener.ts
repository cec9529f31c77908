import type { Cache } from "../cache/cache.ts";
import type { Config } from "../config/config.ts";
import type { Flights } from "../fill/flights.ts";
import { createAdminHandler } from "../server/admin/admin_handler.ts";
import { Guard } from "../server/admin/guard.ts";
import { LoopDelay } from "../server/admin/loop_delay.ts";
import { createMetrics } from "../server/admin/metrics.ts";
import { readinessProblems } from "../server/admin/readiness.ts";
import type { OpenBodies } from "../server/body_stream.ts";
import type { ServerCounters } from "../server/server_counters.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import { listenFailure } from "./listen_failure.ts";

/** What an operator gets to see. */
export interface AdminListenerParts {
  readonly version: string;
  readonly storage: LocalStorage;
  readonly flights: Flights;
  readonly openBodies: OpenBodies;
  readonly counters: ServerCounters;
  /** What is in force. */
  readonly current: () => { readonly config: Config; readonly cache: Cache };
}

/** The listener for operators, apart from that of the clients. */
export class AdminListener {
  readonly #loopDelay = new LoopDelay();
  readonly #stopping = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #isDraining = false;

  /** @throws {CacheProxyError} `listen-failed` when the address cannot be had. */
  constructor(place: Config["admin"], parts: AdminListenerParts) {
    const handler = createAdminHandler({
      parts: {
        version: parts.version,
        metrics: metricsOf(parts, this.#loopDelay),
        cache: () => parts.current().cache,
        storage: parts.storage,
        problems: () => this.#problems(parts),
      },
      guard: new Guard(place.token),
      stopping: this.#stopping.signal,
    });
    const { address: hostname, port } = place;
    try {
      this.#server = Deno.serve({ hostname, port, onListen: () => {} }, handler);
    } catch (error) {
      this.#loopDelay[Symbol.dispose]();
      throw listenFailure(place, "admin.port", error);
    }
  }

  get address(): Deno.NetAddr {
    return this.#server.addr;
  }

  /** From now on nobody should be sent here any more; what goes on can be watched. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Takes no more requests and ends what takes long. Resolves when all are answered. */
  async stop(): Promise<void> {
    this.#loopDelay[Symbol.dispose]();
    this.#stopping.abort();
    await this.#server.shutdown();
  }

  #problems({ storage, flights, current }: AdminListenerParts): Promise<readonly string[]> {
    const { config } = current();
    return readinessProblems({
      storage,
      counters: flights.counters,
      upstreams: config.upstreams.map(({ name }) => name),
      isOffline: config.cache.offline,
      isStopping: this.#isDraining,
    });
  }
}

function metricsOf(parts: AdminListenerParts, loopDelay: LoopDelay) {
  const { version, storage, flights, openBodies, counters } = parts;
  return createMetrics({
    version,
    counters,
    storage,
    upstreams: () => flights.counters,
    fillsUnderWay: () => flights.underWay,
    openBodies: () => openBodies.count,
    loopDelay: () => loopDelay.snapshot(),
  });
}
