import { isAccessLogged, writeRequestsBy } from "../access_log.ts";
import { OpenBodies } from "../body_stream.ts";
import { type ClientListener, listenForClients } from "../client_listener.ts";
import { ServerCounters } from "../server_counters.ts";
import type { Clock, Key } from "../../types.ts";
import { Generations } from "./generations.ts";
import { KeptAnswers } from "./kept_answers.ts";
import type { FromServing, Port, ToServing } from "./messages.ts";
import type { AccessRecord } from "../access_log.ts";
import { RemoteHandler } from "./remote_handler.ts";

/** How long what was counted waits to be told, in milliseconds. */
const REPORT_AFTER_MS = 100;

/** Lines of the request log that are told together at most. */
const MAX_REQUESTS = 512;

type Start = Extract<ToServing, { kind: "start" }>;

/** One of the workers that talk to clients: it listens, answers from memory, and asks for the rest. */
export class ServingWorker {
  readonly #port: Port<FromServing>;
  readonly #clock: Clock;
  readonly #openBodies: OpenBodies;
  readonly #handler: RemoteHandler;
  readonly #counters = new ServerCounters();
  #uses = new Map<Key, number>();
  #requests: AccessRecord[] = [];
  #answers: KeptAnswers | null = null;
  #listener: ClientListener | null = null;
  #cancelReport: (() => void) | null = null;

  constructor(port: Port<FromServing>, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
    this.#openBodies = new OpenBodies(clock);
    const keep = this.#keep.bind(this);
    this.#handler = new RemoteHandler(port, keep, () => this.#reportSoon());
  }

  /** Does as it is told. */
  take(message: ToServing): void {
    switch (message.kind) {
      case "start":
        return this.#start(message);
      case "configure":
        return this.#answers?.configure(message.settings);
      case "log-requests":
        return this.#logRequests(message.isOn);
      case "report":
        this.#report();
        return this.#port.post({ kind: "reported", turn: message.turn });
      case "drain":
        return void this.#drain();
      case "cut":
        return this.#openBodies.cutAll();
      case "crash":
        throw new Error("A test wants to see what a crash costs");
      default:
        return this.#handler.take(message);
    }
  }

  #start({ place, settings, generations, logsRequests }: Start): void {
    const answers = new KeptAnswers(settings, {
      generations: new Generations(generations),
      clock: this.#clock,
      counters: this.#counters,
      used: ({ key }) => this.#used(key),
    });
    this.#answers = answers;
    this.#logRequests(logsRequests);
    try {
      this.#listener = listenForClients(
        { ...place, reusePort: true },
        {
          quick: (request) => answers.find(request),
          handle: (request) => this.#handler.handle(request),
        },
        this.#openBodies,
      );
      const { hostname, port } = this.#listener.addr;
      this.#port.post({ kind: "listening", hostname, port });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      this.#port.post({ kind: "cannot-listen", name, message });
    }
  }

  #keep(...[kept, body]: Parameters<KeptAnswers["keep"]>): void {
    this.#answers?.keep(kept, body);
  }

  #used(key: Key): void {
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    this.#reportSoon();
  }

  #logRequests(isOn: boolean): void {
    if (isOn === isAccessLogged()) return;
    writeRequestsBy(
      !isOn ? null : (request) => {
        if (this.#requests.push(request) >= MAX_REQUESTS) this.#report();
        else this.#reportSoon();
      },
    );
  }

  #reportSoon(): void {
    this.#cancelReport ??= this.#clock.after(REPORT_AFTER_MS, () => this.#report());
  }

  #report(): void {
    this.#cancelReport?.();
    this.#cancelReport = null;
    const [uses, requests] = [[...this.#uses], this.#requests];
    this.#uses = new Map();
    this.#requests = [];
    const sent = this.#handler.sent();
    const tallies = this.#counters.take();
    if (uses.length + requests.length + sent.length + tallies.length === 0) return;
    this.#port.post({ kind: "counted", tallies, uses, requests, sent });
  }

  async #drain(): Promise<void> {
    await this.#listener?.shutdown();
    this.#report();
    this.#port.post({ kind: "drained" });
  }
}
