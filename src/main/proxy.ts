import { KnownDigests } from "../cache/known_digests.ts";
import type { DigestSettings } from "../cache/list_rules.ts";
import { SetCache } from "../cache/set_cache.ts";
import type { Config } from "../config/config.ts";
import { CacheProxyError } from "../errors.ts";
import type { Activity } from "../fill/activity.ts";
import type { UpstreamCounters } from "../fill/counters.ts";
import { Flights, type FlightSettings } from "../fill/flights.ts";
import { Standings } from "../fill/standings.ts";
import { historyTotals } from "../server/admin/history_totals.ts";
import type { LogLevelSwitch } from "../server/admin/log_level_switch.ts";
import type { Reach } from "../decide/route_request.ts";
import { Arrivals } from "../server/arrivals.ts";
import { OpenBodies } from "../server/body_stream.ts";
import { type ClientListener, listenForClients } from "../server/client_listener.ts";
import { createHandler } from "../server/handler.ts";
import { LinkRewriting } from "../server/link_rewriting.ts";
import { viaName } from "../server/loop.ts";
import { QuickAnswers } from "../server/quick_answers.ts";
import { ServerCounters } from "../server/server_counters.ts";
import { type UpdateCounts, UpdatePrefetch } from "../server/update_prefetch.ts";
import { DigestIndex } from "../storage/digest_index.ts";
import { RemoteKeeper } from "../server/workers/remote_keeper.ts";
import { WorkerPool } from "../server/workers/worker_pool.ts";
import { LocalStorage } from "../storage/local_storage.ts";
import { StateFile } from "../storage/state_file.ts";
import type { Clock } from "../types.ts";
import { AdminListener } from "./admin_listener.ts";
import { HistoryKeeper } from "./history_keeper.ts";
import { listenFailure } from "./listen_failure.ts";
import { ScoreKeeper } from "./score_keeper.ts";
import { servingWorkers } from "./serving_workers.ts";
import type { Handle, Tracing } from "./tracing.ts";

/** How long connections that were cut may take to go, in milliseconds. */
const CUT_GRACE_MS = 1_000;

/** A proxy that is serving. */
export interface Proxy {
  readonly address: Deno.NetAddr;
  /** Where the admin listener is. */
  readonly adminAddress: Deno.NetAddr;
  /**
   * Goes over to another config without dropping a connection: what is under way ends as it began.
   * What takes a restart (`restartKeys`) stays as it is.
   */
  reload(config: Config): void;
  /** What became of the questions to each upstream, by its name. Plain data, a copy. */
  readonly counters: Readonly<Record<string, UpstreamCounters>>;
  /** What the filling plane does now, and what happens there. */
  readonly activity: Activity;
  /** The workers that serve; null: this one does. */
  readonly workers: WorkerPool | null;
  /** Resolves when no download is under way; more may start later. */
  idle(): Promise<void>;
  /** Resolves when all lists of digests that are stored by now have been read. */
  listsRead(): Promise<void>;
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
  /** Without it nobody logs, and the level is only remembered. */
  readonly logLevel?: LogLevelSwitch;
  /** Without it there are no spans. */
  readonly tracing?: Tracing;
  /** By which the history is kept; without it `clock`. */
  readonly historyClock?: Clock;
  /** From 0 up to but without 1; without it the platform's. */
  readonly random?: () => number;
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
  const tls = config.listen.tls === null ? null : {
    cert: await readPem("certificate", config.listen.tls.cert),
    key: await readPem("private key", config.listen.tls.key),
  };
  const storage = await LocalStorage.open({
    ...config.storage,
    limits: config.cache.limits,
    system: { clock },
  });
  const standings = new Standings({ clock, random: options.random ?? Math.random });
  const scores = new StateFile(config.storage.path, "scores.json");
  const names = new Set(config.upstreams.map(({ name }) => name));
  const keeper = await ScoreKeeper.start(scores, standings.scores, names, clock);
  const instance = crypto.randomUUID().slice(0, 8);
  const updates = config.prefetch === "off" ? null : new UpdatePrefetch({
    cache: () => current.cache,
    lastUsed: (key) => storage.lastUsed(key),
    downloads: () => standings.activity.downloads().length,
    clock,
  });
  const digests = new KnownDigests({
    ...{ storage, clock },
    onListed: updates === null ? null : (change) => void updates.listed(change),
    openIndex: () => DigestIndex.open(storage.digestsFile),
    filler: () => flights,
    onWrong: (entry, expected) => flights.distrust(entry, expected),
  }, digestSettings(config));
  const flights: Flights = new Flights({
    ...flightSettings(config),
    userAgent: `cache-proxy/${options.version}`,
    via: `1.1 ${viaName(instance)}`,
    storage,
    clock,
    standings,
    digests,
  });
  const openBodies = new OpenBodies(clock);
  const counters = new ServerCounters();
  const history = await HistoryKeeper.start(
    new StateFile(config.storage.path, "history.json"),
    () => historyTotals({ counters, upstreams: () => flights.counters, storage }),
    options.historyClock ?? clock,
  );
  const workers = servingWorkers(config.workers, navigator.hardwareConcurrency);
  let pool: WorkerPool | null = null;
  const inForce = (config: Config) => {
    const { publicUrl, trustedProxies } = config.listen;
    const arrivalSettings = { publicUrl, trustedProxies, isTls: tls !== null };
    const arrivals = new Arrivals(arrivalSettings);
    const cache = new SetCache({ storage, filler: flights, ...config.cache, clock });
    const settings = {
      // With tracing each request takes the handler, where its span is made. With TLS the platform
      // reads them, and gives none to the memory.
      maxBytes: options.tracing === undefined && tls === null ? config.cache.memoryBytes : 0,
      honoursDirectives: config.cache.clientDirectives === "honour",
      accelHeader: config.storage.accel?.enableByHeader ?? null,
      arrivals: arrivalSettings,
    };
    const quickAnswers = workers === 1
      ? new QuickAnswers({ ...{ cache, storage, clock, counters }, ...settings, arrivals })
      : new RemoteKeeper(cache, settings);
    storage.onChanged = (key) => {
      if (quickAnswers instanceof QuickAnswers) quickAnswers.forget(key);
      else pool?.forget(key);
      digests.changed(key);
    };
    const handle = createHandler({
      cache,
      filler: flights,
      isOffline: config.cache.offline,
      clock,
      accel: config.storage.accel,
      registries: registryMounts(config),
      reach: reachOf(config),
      rules: config.rules,
      arrivals,
      instance,
      ...{ counters, quickAnswers },
      problems: standings.activity,
      links: new LinkRewriting({
        rules: config.links,
        upstreams: config.upstreams,
        publicBaseOf: (request) => arrivals.baseOf(request),
      }),
      variants: config.cache.variants,
    });
    return { config, cache, handle, quickAnswers, settings };
  };
  let current = inForce(config);
  const { address: hostname, port } = config.listen;
  let admin: AdminListener | null = null;
  let listenUrl = "";
  try {
    admin = new AdminListener(config.admin, {
      version: options.version,
      ...{ storage, flights, standings, openBodies, counters, history, digests },
      listen: () => listenUrl,
      workers: () => pool,
      updates: () => updates?.counts ?? NO_UPDATES,
      logLevel: options.logLevel ?? rememberedLevel(config),
      current: () => current,
    });
    const { tracing } = options;
    tracing?.follow(standings.activity);
    const answer: Handle = (request) => current.handle(request);
    const handle = tracing?.traced(answer) ?? answer;
    const place = { hostname, port, tls };
    if (workers > 1) {
      const { settings } = current;
      const parts = { handle, openBodies, counters, storage, now: () => clock.now() };
      pool = await WorkerPool.start({ workers, place, settings, ...parts });
    }
    const server = pool ?? listenForClients(place, {
      quick: (request) =>
        current.quickAnswers instanceof QuickAnswers ? current.quickAnswers.find(request) : null,
      handle,
    }, openBodies);
    listenUrl = urlOf(server.addr, config.listen.tls === null ? "http" : "https");
    const upkeep = new AbortController();
    const kept = storage.keepReconciled(upkeep.signal);
    const endUpkeep = (): Promise<void> => {
      upkeep.abort();
      return kept;
    };
    const kinds = { server, admin, flights, openBodies, storage, digests, updates };
    const parts = { ...kinds, keeper, history, endUpkeep };
    return {
      address: server.addr,
      adminAddress: admin.address,
      reload(next): void {
        // First what may fail.
        flights.configure(flightSettings(next));
        storage.setLimits(next.cache.limits);
        digests.configure(digestSettings(next));
        current = inForce(next);
        pool?.configure(current.settings);
      },
      get counters() {
        return flights.counters;
      },
      activity: standings.activity,
      workers: pool,
      idle: () => flights.drained(),
      listsRead: () => digests.settled(),
      stop: (graceMs, hurry) => stop(parts, graceMs, hurry),
    };
  } catch (error) {
    await admin?.stop();
    await flights.abortAll();
    await Promise.all([keeper.stop(), history.stop(), digests.stop()]);
    storage.close();
    if (error instanceof CacheProxyError) throw error;
    throw listenFailure(config.listen, "--listen", error);
  }
}

function rememberedLevel({ log }: Config): LogLevelSwitch {
  let { level } = log;
  return {
    get level() {
      return level;
    },
    setLevel: (next) => void (level = next),
  };
}

function flightSettings({ upstreams, misc, race, fetch, forward }: Config): FlightSettings {
  const { width: raceWidth, segments } = race;
  return { upstreams, ...misc, ...fetch, raceWidth, segments, forwardAllow: forward.allow };
}

function digestSettings({ cache, upstreams }: Config): DigestSettings {
  return { digests: cache.digests, policies: cache.policies, upstreams };
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

const NO_UPDATES: UpdateCounts = { stored: 0, failed: 0 };

interface RunningParts {
  readonly server: ClientListener;
  readonly admin: AdminListener;
  readonly flights: Flights;
  readonly openBodies: OpenBodies;
  readonly storage: LocalStorage;
  readonly digests: KnownDigests;
  /** null: nothing is fetched ahead. */
  readonly updates: UpdatePrefetch | null;
  readonly keeper: ScoreKeeper;
  readonly history: HistoryKeeper;
  /** Stops what goes on in the background of the storage. */
  endUpkeep(): Promise<void>;
}

async function stop(parts: RunningParts, graceMs: number, hurry: AbortSignal): Promise<void> {
  const { server, admin, flights, openBodies, storage } = parts;
  admin.drain();
  const upkeepEnded = parts.endUpkeep();
  parts.updates?.stop();
  // Requests first: one that is still waiting may start a fill.
  const served = server.shutdown();
  await settledOrAfter(served.then(() => flights.drained()), graceMs, hurry);
  await flights.abortAll();
  openBodies.cutAll();
  const adminStopped = admin.stop();
  // What is left now are bytes in the sockets of clients that do not read them.
  const stopped = Promise.all([served, adminStopped]);
  await settledOrAfter(stopped, CUT_GRACE_MS, new AbortController().signal);
  server.closeAll();
  await upkeepEnded;
  await Promise.all([parts.keeper.stop(), parts.history.stop(), parts.digests.stop()]);
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

function urlOf({ hostname, port }: Deno.NetAddr, scheme: "http" | "https"): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${scheme}://${host}:${port}`;
}

/** Where registries are mounted; one with a `path` of its own is known by no place. */
function registryMounts({ upstreams }: Config): readonly string[] {
  return upstreams.flatMap(({ protocol, mount }) =>
    protocol === "oci" && mount !== null ? [mount] : []
  );
}

function reachOf({ upstreams, forward, listen }: Config): Reach {
  const ownNames = new Set(["localhost", "127.0.0.1", "[::1]", listen.address.toLowerCase()]);
  return { upstreams, allow: forward.allow, ownNames, publicUrl: listen.publicUrl };
}
