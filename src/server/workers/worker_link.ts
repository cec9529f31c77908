import { getLogger } from "@logtape/logtape";
import type { ClientRequest } from "../client_request.ts";
import type { Outgoing } from "../outgoing.ts";
import type { Counted, FromServing, Kept, ToServing } from "./messages.ts";
import { type ExchangeParts, RemoteExchange } from "./remote_exchange.ts";
import { RemoteRequest } from "./remote_request.ts";

const log = getLogger(["cache-proxy", "server"]);

/** What a link takes. */
export interface LinkParts extends Omit<ExchangeParts, "port" | "onCut"> {
  /** Never rejects. */
  readonly handle: (request: ClientRequest) => Promise<Outgoing>;
  /** What the worker may keep of an answer; null: nothing. */
  readonly keptOf: (request: RemoteRequest) => Kept | null;
  readonly onCounted: (counted: Counted) => void;
}

/** The filling worker's side of one serving worker. */
export class WorkerLink {
  /** Resolves when it listens; rejects when it cannot, or has died. */
  readonly listening: Promise<Deno.NetAddr>;
  /** Resolves when it has sent all of its answers, or has died. */
  readonly drained: Promise<void>;
  /** Resolves with the reason when it has died; not when it was ended. */
  readonly died: Promise<string>;
  readonly #parts: LinkParts;
  readonly #worker: Worker;
  readonly #exchanges = new Map<number, RemoteExchange>();
  readonly #reports = new Map<number, () => void>();
  readonly #listening = Promise.withResolvers<Deno.NetAddr>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #died = Promise.withResolvers<string>();
  #turn = 0;
  #isCut = false;
  #isOver = false;

  constructor(name: string, start: Extract<ToServing, { kind: "start" }>, parts: LinkParts) {
    this.#parts = parts;
    this.listening = this.#listening.promise;
    // Whoever starts it looks at this; a later death has others to hear of it.
    this.listening.catch(() => {});
    this.drained = this.#drained.promise;
    this.died = this.#died.promise;
    this.#worker = new Worker(new URL("./worker_entry.ts", import.meta.url), {
      type: "module",
      name,
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromServing>) => this.#take(data);
    this.#worker.onmessageerror = () => this.#die("it said what cannot be read");
    this.#worker.onerror = (event) => {
      // Without this it would end the program.
      event.preventDefault();
      this.#die(event.message);
    };
    this.post(start);
  }

  post(message: ToServing, transfer: ArrayBuffer[] = []): void {
    if (!this.#isOver) this.#worker.postMessage(message, transfer);
  }

  /** Resolves when all that it has counted until now was taken, or it has died. */
  report(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const turn = ++this.#turn;
    return new Promise((resolve) => {
      this.#reports.set(turn, resolve);
      this.post({ kind: "report", turn });
    });
  }

  /** Ends it and its connections. */
  end(): void {
    this.#close("the proxy is shutting down");
  }

  #die(reason: string): void {
    if (this.#isOver) return;
    this.#close(`a serving worker has died: ${reason}`);
    this.#died.resolve(reason);
  }

  #close(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.terminate();
    for (const exchange of this.#exchanges.values()) exchange.abandon(reason);
    this.#exchanges.clear();
    for (const resolve of this.#reports.values()) resolve();
    this.#reports.clear();
    this.#listening.reject(new Error(reason));
    this.#drained.resolve();
  }

  #take(message: FromServing): void {
    if (this.#isOver) return;
    switch (message.kind) {
      case "listening":
        return this.#listening.resolve({ transport: "tcp", ...message });
      case "cannot-listen":
        return this.#listening.reject(listenError(message));
      case "request":
        return void this.#answer(message);
      case "counted":
        for (const [id, bytes] of message.sent) this.#exchanges.get(id)?.sent(bytes);
        return this.#parts.onCounted(message);
      case "reported":
        this.#reports.get(message.turn)?.();
        return void this.#reports.delete(message.turn);
      case "log":
        return getLogger(message.category)[message.level]("{text}", { text: message.message });
      case "drained":
        return this.#drained.resolve();
      default:
        return this.#takeOf(message);
    }
  }

  #takeOf(message: Extract<FromServing, { readonly id: number }>): void {
    const exchange = this.#exchanges.get(message.id);
    if (exchange === undefined) return;
    switch (message.kind) {
      case "left":
        return exchange.request.leave();
      case "body-piece":
        return exchange.request.takePiece(message.bytes);
      case "body-failed":
        return exchange.request.failBody(message.message);
      case "relay":
        return exchange.relay(message.from);
      case "taken":
        return exchange.taken(message.bytes);
      case "end":
        this.#exchanges.delete(message.id);
        return exchange.end(message.bytes, message.brokenBy);
    }
  }

  async #answer(asked: Extract<FromServing, { kind: "request" }>): Promise<void> {
    const request = new RemoteRequest(asked, this);
    const exchange = new RemoteExchange(request, {
      ...this.#parts,
      port: this,
      onCut: () => this.#cut(),
    });
    const { id } = asked;
    this.#exchanges.set(id, exchange);
    try {
      const outgoing = await this.#parts.handle(request);
      const body = await exchange.answer(outgoing);
      if (body === null) return;
      const { status, headers } = outgoing;
      const kept = this.#parts.keptOf(request);
      this.post({ kind: "answer", id, status, fields: [...headers], body, kept });
      if (body.kind === "relayed") exchange.relay(null);
    } catch (error) {
      log.error("Cannot hand on the answer to {url}: {error}", { url: asked.url, error });
      this.post({
        kind: "answer",
        id,
        status: 500,
        fields: [],
        body: { kind: "none" },
        kept: null,
      });
    }
  }

  /** All of its bodies at once: who cuts one cuts all. */
  #cut(): void {
    if (!this.#isCut) this.post({ kind: "cut" });
    this.#isCut = true;
  }
}

/** Errors lose their class on the way between workers. */
function listenError(
  { name, message }: { readonly name: string; readonly message: string },
): Error {
  return name === "AddrInUse" ? new Deno.errors.AddrInUse(message) : new Error(message);
}
