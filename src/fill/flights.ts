import { admit } from "../decide/admission.ts";
import { bondedGroups } from "../decide/bond.ts";
import { type Candidate, candidateGroups } from "../decide/candidates.ts";
import type { Expected } from "../decide/digests/expected.ts";
import { questionFields } from "../decide/vary.ts";
import { UpstreamError } from "../errors.ts";
import type { Storage } from "../storage/storage.ts";
import type { BodyHead, ByDirectives, Clock, Entry, Key, Target, Upstream } from "../types.ts";
import type { Activity } from "./activity.ts";
import type { Attempt } from "./attempt.ts";
import { ClientPool } from "./client_pool.ts";
import type { UpstreamCounters } from "./counters.ts";
import type {
  Fill,
  Filler,
  FillHead,
  FillRequest,
  ForwardRequest,
  ForwardResult,
  ProbeResult,
  Refused,
} from "./fill.ts";
import type { Purpose } from "./fill_event.ts";
import type { TrackFacts } from "./fill_track.ts";
import { Flight } from "./flight.ts";
import { candidateFor, forward, type Question } from "./forward.ts";
import { type DigestSource, Inspector } from "./inspector.ts";
import type { SegmentSettings } from "./open_body.ts";
import { ProgressSignal } from "./progress_signal.ts";
import type { RaceRules } from "./line_up.ts";
import { race } from "./race.ts";
import { requestBody } from "./request_body.ts";
import type { Standings } from "./standings.ts";
import { StorageTrouble } from "./storage_trouble.ts";

/** What may change while flights are under way; those go on as they began. */
export interface FlightSettings {
  readonly upstreams: readonly Upstream[];
  readonly firstChunkBytes: number;
  readonly chunkBytes: number;
  readonly headTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** What a body must deliver while there is another candidate; 0: nothing. */
  readonly minimumBytesPerSecond: number;
  /** Upstreams that are asked at once, from 1 up. */
  readonly raceWidth: number;
  /** When a file is fetched from several mirrors at once; null: never. */
  readonly segments: SegmentSettings | null;
  /** How far ahead of its fill a range must begin to be fetched on its own; null: none is. */
  readonly rangeSkipBytes: number | null;
  /**
   * Flights under way at once, those included that are only asking; and as many parts that are
   * fetched ahead of a fill.
   */
  readonly maxFills: number;
  /** As in `ClientOptions`. */
  readonly forwardAllow?: readonly string[];
}

/** What filling is told. */
export interface FlightsOptions extends FlightSettings {
  readonly userAgent: string;
  readonly via: string;
  readonly storage: Storage;
  readonly clock: Clock;
  /** What is known of the upstreams; it outlives their configuration. */
  readonly standings: Standings;
  /** Who knows what is published of files; absent: nobody. */
  readonly digests?: DigestSource;
}

/** All flights that are under way: one for each key, and those that serve one request alone. */
export class Flights implements Filler {
  readonly #byKey = new Map<Key, Flight>();
  readonly #all = new Set<Flight>();
  /** Questions without a flight: heads, and requests that are passed through. */
  readonly #questions = new Set<AbortController>();
  /** Parts ahead of their fills. Counted apart: who reads one slowly keeps no fill away. */
  readonly #ahead = new Set<AbortController>();
  readonly #trouble: StorageTrouble;
  readonly #inspector: Inspector;
  readonly #storing = { count: 0 };
  #options: FlightsOptions;
  #clients: ClientPool;
  #closed = false;

  constructor(options: FlightsOptions) {
    this.#options = options;
    this.#trouble = new StorageTrouble(options.clock, options.standings.activity);
    this.#clients = new ClientPool(options.upstreams, options);
    this.#inspector = new Inspector(options.digests ?? null, options.clock, options.standings);
  }

  /** From now on other upstreams are asked, and otherwise. */
  configure(settings: FlightSettings): void {
    const options = { ...this.#options, ...settings };
    // First what may fail: then nothing has changed.
    const clients = new ClientPool(settings.upstreams, options);
    this.#clients.retire();
    this.#clients = clients;
    this.#options = options;
    options.standings.retain(new Set(settings.upstreams.map(({ name }) => name)));
  }

  /** What became of the questions to each upstream, by its name. Plain data, a copy. */
  get counters(): Readonly<Record<string, UpstreamCounters>> {
    return this.#options.standings.snapshot();
  }

  /** Flights and other questions under way. */
  get underWay(): number {
    return this.#all.size + this.#questions.size;
  }

  fill(request: FillRequest): Fill {
    const { target, known } = request;
    const flight = this.#joinable(request);
    if (flight !== undefined) {
      const leave = flight.addJoiner();
      void flight.head.then(leave);
      return viewOf(flight, "joiner");
    }
    // No await stands between the look into the map, the look into the index and the start: a
    // flight leaves the map only after its entry is in the index, so one of the two always shows
    // what another request has fetched.
    const current = this.#options.storage.find(target.key);
    if (current !== null && !isSameGeneration(current, known)) {
      return settled(target, { kind: "stored", entry: current });
    }
    const refusal = this.#refusal();
    if (refusal !== null) {
      this.#activity.refused(trackFacts(target, "fill", "GET"), refusal.reason);
      return settled(target, refusal);
    }
    return viewOf(this.#start(request), "leader");
  }

  async probe(target: Target, byDirectives: ByDirectives | null): Promise<ProbeResult> {
    const flight = this.#byKey.get(target.key);
    const joined = await flight?.head;
    if (joined?.kind === "filling" && byDirectives === null) {
      return { kind: "head", head: joined.head };
    }
    const refusal = this.#refusal();
    if (refusal !== null) return refusal;
    const clients = this.#clients;
    using question = this.#question(clients);
    const track = this.#activity.begin(trackFacts(target, "probe", "HEAD"));
    const { won, failures } = await race<BodyHead>(
      candidateGroups(target, clients.upstreams),
      (candidate, controller, attempt) =>
        this.#probeOne(candidate, target, byDirectives, controller, clients, attempt),
      question.signal,
      { ...this.#raceRules, byBandwidth: false, track },
    );
    track.settle(
      won === null
        ? { outcome: "failed", failures }
        : { outcome: "answered", upstream: won.upstream },
    );
    track.end();
    return won === null ? { kind: "failed", failures } : { kind: "head", head: won };
  }

  async forward(request: ForwardRequest): Promise<ForwardResult> {
    const early = candidateFor(request, this.#clients.upstreams);
    if (early.kind !== "candidate") return early;
    // A client may take its time to send: meanwhile nothing counts as under way, and the config may
    // have changed.
    const body = await requestBody(request.body, request.declared, this.#options)
      .catch(() => "broken" as const);
    if (body === "broken") return { kind: "client-left" };
    const found = candidateFor(request, this.#clients.upstreams);
    if (found.kind !== "candidate") return found;
    const refusal = this.#refusal();
    if (refusal !== null) return refusal;
    const { target, method } = request;
    const track = this.#activity.begin(trackFacts(target, "forward", method));
    const parts = { ...this.#options, question: this.#question(this.#clients), track };
    return await forward(found.candidate, { ...request, body }, this.#clients, parts);
  }

  async disown(matches: (key: Key) => boolean): Promise<void> {
    const disowned = [...this.#all].filter(({ target }) => matches(target.key));
    for (const { target: { key } } of disowned) this.#byKey.delete(key);
    await Promise.all(disowned.map((flight) => flight.disown()));
  }

  /** A stored copy has proved to be wrong: its mirror is asked last for the file. */
  distrust(entry: Entry, expected: Expected): void {
    this.#inspector.foundWrong(entry, expected);
  }

  /** Resolves when no flight is under way. */
  async drained(): Promise<void> {
    while (this.#all.size > 0) await Promise.all([...this.#all].map(({ done }) => done));
  }

  /** Ends all that is under way, then lets go of the connections. */
  async abortAll(): Promise<void> {
    this.#closed = true;
    for (const flight of this.#all) flight.abort();
    for (const question of [...this.#questions, ...this.#ahead]) question.abort();
    await this.drained();
    this.#clients.retire();
  }

  async #probeOne(
    { upstream, url }: Candidate,
    target: Target,
    byDirectives: ByDirectives | null,
    controller: AbortController,
    clients: ClientPool,
    attempt: Attempt,
  ): Promise<BodyHead> {
    const headers = questionFields(target, byDirectives);
    const requestedAt = this.#options.clock.now();
    const question = { method: "HEAD", url, headers };
    const answer = await clients.of(upstream.name).ask(question, controller);
    attempt.head(answer.status);
    const admission = admit({ ...answer, upstream: upstream.name, requestedAt }, {
      path: target.path,
      checkers: upstream.checkers,
      conditional: false,
      stored: null,
      byDirectives,
      accept: target.accept,
    }, this.#options.clock.now());
    if (admission.kind === "refuse") throw new UpstreamError(admission.reason);
    if (admission.kind === "not-modified") throw new Error("Cannot take a 304 that was not asked");
    return admission.head;
  }

  /**
   * The flight to join. For a file of a set one that has ended is none, though it has not left yet:
   * its bytes may just have been refused, and the next mirror is to be asked.
   */
  #joinable({ target, alone, bond = null }: FillRequest): Flight | undefined {
    const flight = alone ? undefined : this.#byKey.get(target.key);
    return bond !== null && flight !== undefined && flight.progress.end !== null
      ? undefined
      : flight;
  }

  #start(request: FillRequest): Flight {
    const { target } = request;
    const clients = this.#clients;
    const use = clients.use();
    const track = this.#activity.begin(trackFacts(target, "fill", "GET"));
    const bond = request.bond ?? null;
    const groups = bondedGroups(candidateGroups(target, clients.upstreams), bond);
    const leaveKey = (): void => {
      if (this.#byKey.get(target.key) === flight) this.#byKey.delete(target.key);
    };
    const flight = new Flight(
      {
        ...this.#options,
        trouble: this.#trouble,
        storing: this.#storing,
        race: { ...this.#raceRules, track },
        track,
        clientOf: (name) => clients.of(name),
        openPart: () => this.#openPart(clients),
        inspection: this.#inspector.inspect({ target, groups, bond, track }),
      },
      {
        ...request,
        groups,
        bond,
        onUnshareable: leaveKey,
      },
    );
    this.#all.add(flight);
    if (!request.alone) this.#byKey.set(target.key, flight);
    void flight.done.then(() => {
      leaveKey();
      this.#all.delete(flight);
      use[Symbol.dispose]();
    });
    return flight;
  }

  #openPart(clients: ClientPool): Question | null {
    if (this.#closed || this.#ahead.size >= this.#options.maxFills) return null;
    return this.#question(clients, this.#ahead);
  }

  /** Counts as under way until it is disposed of. */
  #question(clients: ClientPool, among: Set<AbortController> = this.#questions): Question {
    const use = clients.use();
    const controller = new AbortController();
    among.add(controller);
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        among.delete(controller);
        use[Symbol.dispose]();
      },
    };
  }

  get #activity(): Activity {
    return this.#options.standings.activity;
  }

  get #raceRules(): RaceRules {
    const { raceWidth, firstChunkBytes, standings } = this.#options;
    return { width: raceWidth, byBandwidth: firstChunkBytes > 0, standings };
  }

  #refusal(): Refused | null {
    if (this.#closed) return { kind: "refused", reason: "shutting-down" };
    if (this.underWay < this.#options.maxFills) return null;
    return { kind: "refused", reason: "too-many-fills" };
  }
}

function isSameGeneration(current: Entry, known: Entry | null): boolean {
  return known !== null && current.storedAt === known.storedAt &&
    current.validatedAt === known.validatedAt;
}

/** A variant is shown by the path that clients ask for. */
function trackFacts({ key }: Target, purpose: Purpose, method: string): TrackFacts {
  const [path = key] = key.split("\n", 1);
  return { path, purpose, method };
}

function viewOf(flight: Flight, role: "leader" | "joiner"): Fill {
  return {
    role,
    head: flight.head,
    target: flight.target,
    bond: flight.bond,
    progress: flight.progress,
    get path(): string | null {
      return flight.path;
    },
    joined: () => role === "joiner" ? flight.addJoiner() : () => {},
    takeLead: () => role === "leader" ? flight.takeLead() : null,
    claimRest: () => flight.claimRest(),
    skipTo: (start, end, signal, tail) => flight.skipTo(start, end, signal, tail),
  };
}

/** The answer to a request that needs no flight. */
function settled(target: Target, head: FillHead): Fill {
  return {
    role: "joiner",
    head: Promise.resolve(head),
    target,
    bond: null,
    progress: new ProgressSignal(),
    path: null,
    joined: () => () => {},
    takeLead: () => null,
    claimRest: () => null,
    skipTo: () => Promise.resolve(null),
  };
}
