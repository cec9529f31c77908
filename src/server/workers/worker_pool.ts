import { getLogger } from "@logtape/logtape";
import { identify } from "../../storage/file_identity.ts";
import type { Entry, Instant, Key } from "../../types.ts";
import { followAccessLogged, isAccessLogged, logRecord } from "../access_log.ts";
import type { ClientListener } from "../client_listener.ts";
import type { ServerCounters } from "../server_counters.ts";
import { Generations } from "./generations.ts";
import type { Counted, Kept, QuickSettings, SharedPlace, ToServing } from "./messages.ts";
import type { RemoteRequest } from "./remote_request.ts";
import { type LinkParts, WorkerLink } from "./worker_link.ts";

/** Pauses before a worker is replaced, by how often that was necessary, in milliseconds. */
const PAUSES_MS: readonly number[] = [0, 1_000, 2_000, 5_000, 10_000, 30_000];

/** A worker that has lived for so long, in milliseconds, is replaced at once again. */
const LONG_LIFE_MS = 60_000;

/** How long figures are waited for of a worker that does not answer, in milliseconds. */
const REPORT_PATIENCE_MS = 1_000;

const log = getLogger(["cache-proxy", "server"]);

/** What the workers work with. */
export interface PoolOptions extends Omit<LinkParts, "keptOf" | "onCounted" | "pathOf"> {
  /** At least 1. */
  readonly workers: number;
  readonly place: SharedPlace;
  /** `maxBytes` of all workers together. */
  readonly settings: QuickSettings;
  readonly counters: ServerCounters;
  readonly storage: {
    isIntact(entry: Entry): boolean;
    pathOf(entry: Entry): string;
    used(key: Key, at: Instant): void;
  };
  readonly now: () => Instant;
}

/**
 * The serving workers. They share the clients' port, and the system deals the connections out to
 * them. What none of them has in memory they ask of this isolate, which fills. One that dies costs
 * its own connections, and another one takes its place.
 */
export class WorkerPool implements ClientListener {
  readonly #options: PoolOptions;
  readonly #generations = new Generations();
  readonly #links = new Set<WorkerLink>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #endFollowing: () => void;
  #settings: QuickSettings;
  #place: SharedPlace;
  #names = 0;
  #deaths = 0;
  #isDraining = false;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#settings = options.settings;
    this.#endFollowing = followAccessLogged((isOn) => this.#post({ kind: "log-requests", isOn }));
  }

  /**
   * Resolves when all of them listen.
   *
   * @throws {Error} When the address cannot be had, or certificate and key do not fit.
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    assertFree(options.place);
    const pool = new WorkerPool(options);
    try {
      // The first one finds the port where the system is to choose it.
      await pool.#begin(0);
      await Promise.all(Array.from({ length: options.workers - 1 }, () => pool.#begin(0)));
      return pool;
    } catch (error) {
      pool.closeAll();
      throw error;
    }
  }

  get addr(): Deno.NetAddr {
    const { hostname, port } = this.#place;
    return { transport: "tcp", hostname, port };
  }

  /** Workers that are there now. */
  get size(): number {
    return this.#links.size;
  }

  /** Workers that have died. */
  get deaths(): number {
    return this.#deaths;
  }

  /** An entry has changed or gone; null: any may have. No worker gives what it has kept of it. */
  forget(key: Key | null): void {
    this.#generations.changed(key);
  }

  /** Goes over to other settings; all that is kept is forgotten. */
  configure(settings: QuickSettings): void {
    this.#settings = settings;
    this.forget(null);
    this.#post({ kind: "configure", settings: this.#share() });
  }

  /** Resolves when all that the workers have counted until now is in the counters. */
  async report(): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, REPORT_PATIENCE_MS);
    const reported = Promise.all([...this.#links].map((link) => link.report()));
    await Promise.race([reported, patience.promise]);
    clearTimeout(timer);
  }

  async shutdown(): Promise<void> {
    this.#isDraining = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#post({ kind: "drain" });
    await Promise.all([...this.#links].map(({ drained }) => drained));
  }

  closeAll(): void {
    this.#isDraining = true;
    this.#endFollowing();
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) link.end();
    this.#links.clear();
  }

  /** Has one of them die, for tests of what that costs. */
  crash(): void {
    const [link] = this.#links;
    link?.post({ kind: "crash" });
  }

  #post(message: ToServing): void {
    for (const link of this.#links) link.post(message);
  }

  /** @param times How often in a row another one has died where this one begins. */
  async #begin(times: number): Promise<void> {
    const link = new WorkerLink(`serving-${++this.#names}`, {
      kind: "start",
      place: this.#place,
      settings: this.#share(),
      generations: this.#generations.shared,
      logsRequests: isAccessLogged(),
    }, {
      ...this.#options,
      pathOf: (entry) => this.#options.storage.pathOf(entry),
      keptOf: (request) => this.#keptOf(request),
      onCounted: (counted) => this.#take(counted),
    });
    this.#links.add(link);
    try {
      const { hostname, port } = await link.listening;
      this.#place = { ...this.#place, hostname, port };
    } catch (error) {
      this.#links.delete(link);
      link.end();
      throw error;
    }
    void this.#replaceWhenDead(link, times);
  }

  async #replaceWhenDead(link: WorkerLink, times: number): Promise<void> {
    const startedAt = performance.now();
    const reason = await link.died;
    this.#links.delete(link);
    this.#deaths++;
    log.error("A serving worker has died, its connections with it: {reason}", { reason });
    this.#replace(performance.now() - startedAt >= LONG_LIFE_MS ? 0 : times);
  }

  #replace(times: number): void {
    if (this.#isDraining) return;
    const pause = PAUSES_MS[Math.min(times, PAUSES_MS.length - 1)] ?? 0;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#begin(times + 1).catch((error) => {
        if (this.#isDraining) return;
        log.error("Cannot start another serving worker: {error}", { error });
        this.#replace(times + 1);
      });
    }, pause);
    this.#timers.add(timer);
  }

  #share(): QuickSettings {
    const maxBytes = Math.floor(this.#settings.maxBytes / this.#options.workers);
    return { ...this.#settings, maxBytes };
  }

  #keptOf({ worthKeeping }: RemoteRequest): Kept | null {
    // What another config has called fresh may not be kept by this one.
    if (worthKeeping === null || worthKeeping.settings !== this.#settings) return null;
    const { storage } = this.#options;
    const { answer, answer: { hit: { entry } } } = worthKeeping;
    // In one turn with the look at the entry: what changes it later changes the generation, too.
    const stamp = this.#generations.stampOf(entry.key);
    try {
      if (!storage.isIntact(entry)) return null;
      const path = storage.pathOf(entry);
      const identity = identify(Deno.statSync(path));
      return identity === null ? null : { ...answer, path, identity, stamp };
    } catch {
      return null;
    }
  }

  #take({ tallies, uses, requests }: Counted): void {
    const { counters, storage, now } = this.#options;
    counters.add(tallies);
    const at = now();
    for (const [key, times] of uses) {
      for (let time = 0; time < times; time++) storage.used(key, at);
    }
    for (const request of requests) logRecord(request);
  }
}

/**
 * Several programs can share a port as the workers do, and would never notice. So it is looked
 * first whether it is to be had alone.
 *
 * @throws {Error} When it is not.
 */
function assertFree({ hostname, port }: SharedPlace): void {
  if (port !== 0) Deno.listen({ hostname, port }).close();
}
