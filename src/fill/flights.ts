import { type Candidate, candidateGroups } from "../decide/candidates.ts";
import { admit } from "../decide/admission.ts";
import { UpstreamError } from "../errors.ts";
import type { Storage } from "../storage/storage.ts";
import type { BodyHead, Clock, Entry, Key, Target, Upstream } from "../types.ts";
import type { Fill, Filler, FillHead, FillRequest, ProbeResult, Refused } from "./fill.ts";
import { Flight } from "./flight.ts";
import { ProgressSignal } from "./progress_signal.ts";
import { race } from "./race.ts";
import { UpstreamClient } from "./upstream_client.ts";

/** What filling is told. */
export interface FlightsOptions {
  readonly upstreams: readonly Upstream[];
  readonly firstChunkBytes: number;
  readonly chunkBytes: number;
  readonly headTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** Flights under way at once, those included that are only asking. */
  readonly maxFills: number;
  readonly userAgent: string;
  readonly via: string;
  readonly storage: Storage;
  readonly clock: Clock;
}

/** All flights that are under way: one for each key, and those that serve one request alone. */
export class Flights implements Filler {
  readonly #options: FlightsOptions;
  readonly #clients: ReadonlyMap<string, UpstreamClient>;
  readonly #byKey = new Map<Key, Flight>();
  readonly #all = new Set<Flight>();
  readonly #probes = new Set<AbortController>();
  #closed = false;

  constructor(options: FlightsOptions) {
    this.#options = options;
    this.#clients = new Map(
      options.upstreams.map((upstream) => [upstream.name, new UpstreamClient(upstream, options)]),
    );
  }

  /** Flights and probes under way. */
  get underWay(): number {
    return this.#all.size + this.#probes.size;
  }

  fill(request: FillRequest): Fill {
    const { target, known } = request;
    const flight = request.alone ? undefined : this.#byKey.get(target.key);
    if (flight !== undefined) return viewOf(flight, "joiner");
    // No await stands between the look into the map, the look into the index and the start: a
    // flight leaves the map only after its entry is in the index, so one of the two always shows
    // what another request has fetched.
    const current = this.#options.storage.find(target.key);
    if (current !== null && !isSameGeneration(current, known)) {
      return settled(target, { kind: "stored", entry: current });
    }
    const refusal = this.#refusal();
    if (refusal !== null) return settled(target, refusal);
    return viewOf(this.#start(request), "leader");
  }

  async probe(target: Target): Promise<ProbeResult> {
    const flight = this.#byKey.get(target.key);
    const joined = await flight?.head;
    if (joined?.kind === "filling") return { kind: "head", head: joined.head };
    const refusal = this.#refusal();
    if (refusal !== null) return refusal;
    const abort = new AbortController();
    this.#probes.add(abort);
    try {
      const groups = candidateGroups(target, this.#options.upstreams);
      const { won, failures } = await race<BodyHead>(
        groups,
        (candidate, controller) => this.#probeOne(candidate, target, controller),
        abort.signal,
      );
      return won === null ? { kind: "failed", failures } : { kind: "head", head: won };
    } finally {
      this.#probes.delete(abort);
    }
  }

  /** Resolves when no flight is under way. */
  async drained(): Promise<void> {
    while (this.#all.size > 0) await Promise.all([...this.#all].map(({ done }) => done));
  }

  /** Takes no more fills; those under way go on until `abortAll`. */
  refuseMore(): void {
    this.#closed = true;
  }

  /** Ends all that is under way, then lets go of the connections. */
  async abortAll(): Promise<void> {
    this.#closed = true;
    for (const flight of this.#all) flight.abort();
    for (const probe of this.#probes) probe.abort();
    await this.drained();
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }

  async #probeOne(
    { upstream, url }: Candidate,
    target: Target,
    controller: AbortController,
  ): Promise<BodyHead> {
    const question = { method: "HEAD", url, headers: [] } as const;
    const requestedAt = this.#options.clock.now();
    const answer = await this.#clientOf(upstream.name).ask(question, controller);
    const admission = admit({ ...answer, upstream: upstream.name, requestedAt }, {
      path: target.path,
      checkers: upstream.checkers,
      conditional: false,
      storedLastModified: null,
    }, this.#options.clock.now());
    if (admission.kind === "refuse") throw new UpstreamError(admission.reason);
    if (admission.kind === "not-modified") throw new Error("Cannot take a 304 that was not asked");
    return admission.head;
  }

  #start(request: FillRequest): Flight {
    const { target } = request;
    const groups = candidateGroups(target, this.#options.upstreams);
    const leaveKey = (): void => {
      if (this.#byKey.get(target.key) === flight) this.#byKey.delete(target.key);
    };
    const flight = new Flight(
      { ...this.#options, clientOf: (name) => this.#clientOf(name) },
      { ...request, groups, onUnshareable: leaveKey },
    );
    this.#all.add(flight);
    if (!request.alone) this.#byKey.set(target.key, flight);
    void flight.done.then(() => {
      leaveKey();
      this.#all.delete(flight);
    });
    return flight;
  }

  #refusal(): Refused | null {
    if (this.#closed) return { kind: "refused", reason: "shutting-down" };
    if (this.underWay < this.#options.maxFills) return null;
    return { kind: "refused", reason: "too-many-fills" };
  }

  #clientOf(name: string): UpstreamClient {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`Cannot ask upstream "${name}": it is unknown`);
    return client;
  }
}

function isSameGeneration(current: Entry, known: Entry | null): boolean {
  return known !== null && current.storedAt === known.storedAt &&
    current.validatedAt === known.validatedAt;
}

function viewOf(flight: Flight, role: "leader" | "joiner"): Fill {
  return {
    role,
    head: flight.head,
    target: flight.target,
    progress: flight.progress,
    get path(): string | null {
      return flight.path;
    },
    takeLead: () => role === "leader" ? flight.takeLead() : null,
    claimRest: () => flight.claimRest(),
  };
}

/** The answer to a request that needs no flight. */
function settled(target: Target, head: FillHead): Fill {
  return {
    role: "joiner",
    head: Promise.resolve(head),
    target,
    progress: new ProgressSignal(),
    path: null,
    takeLead: () => null,
    claimRest: () => null,
  };
}
