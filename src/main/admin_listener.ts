import type { Cache } from "../cache/cache.ts";
import type { KnownDigests } from "../cache/known_digests.ts";
import type { Config } from "../config/config.ts";
import type { Flights } from "../fill/flights.ts";
import type { Standings } from "../fill/standings.ts";
import { statfsSync } from "node:fs";
import { createAdminHandler } from "../server/admin/admin_handler.ts";
import { EventSlots } from "../server/admin/event_slots.ts";
import { Guard } from "../server/admin/guard.ts";
import type { LogLevelSwitch } from "../server/admin/log_level_switch.ts";
import { LoopDelay } from "../server/admin/loop_delay.ts";
import { createMetrics } from "../server/admin/metrics.ts";
import { KeptCheck, readinessProblems, type StorageCheck } from "../server/admin/readiness.ts";
import type { StatusSources } from "../server/admin/status.ts";
import type { OpenBodies } from "../server/body_stream.ts";
import type { ServerCounters } from "../server/server_counters.ts";
import type { UpdateCounts } from "../server/update_prefetch.ts";
import type { WorkerPool } from "../server/workers/worker_pool.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import type { HistoryKeeper } from "./history_keeper.ts";
import { listenFailure } from "./listen_failure.ts";

/** Answers of server-sent events at once. */
const MAX_EVENT_STREAMS = 32;

/** What an operator gets to see. */
export interface AdminListenerParts {
  readonly version: string;
  readonly storage: LocalStorage;
  readonly flights: Flights;
  readonly standings: Standings;
  readonly openBodies: OpenBodies;
  readonly counters: ServerCounters;
  readonly history: HistoryKeeper;
  readonly digests: KnownDigests;
  readonly logLevel: LogLevelSwitch;
  /** Base URL for clients. */
  readonly listen: () => string;
  /** The workers that serve; null: this one does. */
  readonly workers: () => WorkerPool | null;
  /** Updates that were fetched ahead. */
  readonly updates: () => UpdateCounts;
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
    const keptCheck = new KeptCheck(parts.storage, parts.standings.clock);
    const handler = createAdminHandler({
      parts: {
        version: parts.version,
        metrics: metricsOf(parts, this.#loopDelay),
        cache: () => parts.current().cache,
        storage: parts.storage,
        digestsOf: (entry) => parts.digests.digestsOf(entry),
        status: statusSources(parts),
        eventSlots: new EventSlots(MAX_EVENT_STREAMS),
        problems: () => this.#problems(parts, parts.storage),
        recentProblems: () => this.#problems(parts, keptCheck),
        history: (range) => parts.history.table(range),
        logLevel: parts.logLevel,
        isDebug: () => parts.current().config.admin.debug,
      },
      guard: new Guard(place.token),
      stopping: this.#stopping.signal,
    });
    const { address: hostname, port } = place;
    try {
      this.#server = Deno.serve({ hostname, port, onListen: () => {} }, async (request) => {
        // What workers have counted and not told would be missing.
        await parts.workers()?.report();
        return await handler(request);
      });
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

  #problems(
    { flights, current }: AdminListenerParts,
    storage: StorageCheck,
  ): Promise<readonly string[]> {
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
  const { version, storage, flights, standings, openBodies, counters } = parts;
  return createMetrics({
    version,
    counters,
    storage,
    maxBytes: () => parts.current().config.cache.limits.maxBytes,
    freeBytes: () => freeBytes(parts),
    joiners: () => standings.activity.joiners,
    upstreams: () => flights.counters,
    fillsUnderWay: () => flights.underWay,
    openBodies: () => openBodies.count,
    updates: parts.updates,
    workers: () => ({ size: parts.workers()?.size ?? 1, deaths: parts.workers()?.deaths ?? 0 }),
    loopDelay: () => loopDelay.snapshot(),
  });
}

function statusSources(parts: AdminListenerParts): StatusSources {
  const { version, storage, flights, standings, counters, listen, current } = parts;
  return {
    version,
    startedAt: standings.clock.now(),
    now: () => standings.clock.now(),
    listen,
    isOffline: () => current().config.cache.offline,
    upstreams: () => current().config.upstreams,
    upstreamCounters: () => flights.counters,
    scoreOf: (upstream) => standings.scores.of(upstream),
    counters,
    storage,
    maxBytes: () => current().config.cache.limits.maxBytes,
    freeBytes: () => freeBytes(parts),
    activity: standings.activity,
  };
}

/** For a process without privileges; null when the system does not say. */
function freeBytes({ current }: AdminListenerParts): number | null {
  try {
    const { bavail, bsize } = statfsSync(current().config.storage.path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
