import { AnswerHeaders } from "../answer_headers.ts";
import { followGrowing } from "../../fill/growing_reader.ts";
import { identify, sameFile, versionOf } from "../../storage/file_identity.ts";
import { FilePart } from "../../storage/read_file.ts";
import type { ClientRequest } from "../client_request.ts";
import type { Outgoing } from "../outgoing.ts";
import type { FromServing, Kept, Port, RemoteBody, ToServing } from "./messages.ts";
import { RelayedBody } from "./relayed_body.ts";
import { SharedProgress } from "./shared_progress.ts";

type Answered = Extract<ToServing, { kind: "answer" }>;

/** One request that the filling worker answers. */
interface Exchange {
  readonly id: number;
  readonly answered: PromiseWithResolvers<Answered>;
  /** Of the request. */
  readonly body: ReadableStreamDefaultReader<Uint8Array> | null;
  relayed: RelayedBody | null;
  sent: number;
}

/** Keeps an answer in memory. */
export type Keep = (kept: Kept, body: Uint8Array) => void;

/** Has requests answered by the filling worker, and finds the bytes of the answers. */
export class RemoteHandler {
  readonly #port: Port<FromServing>;
  readonly #keep: Keep;
  /** Called when there is something for `sent` to tell. */
  readonly #onSent: () => void;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #unreported = new Set<Exchange>();
  #lastId = 0;

  constructor(port: Port<FromServing>, keep: Keep, onSent: () => void) {
    this.#port = port;
    this.#keep = keep;
    this.#onSent = onSent;
  }

  /** Never rejects. */
  async handle(request: ClientRequest): Promise<Outgoing> {
    const id = ++this.#lastId;
    const { method, url, headers, client, form, local, signal } = request;
    const body = request.body?.getReader() ?? null;
    const answered = Promise.withResolvers<Answered>();
    const exchange: Exchange = { id, answered, body, relayed: null, sent: 0 };
    this.#exchanges.set(id, exchange);
    const onLeave = (): void => this.#port.post({ kind: "left", id });
    const hasBody = body !== null;
    const asked = { id, method, url, fields: [...headers], client, form, local, hasBody };
    this.#port.post({ kind: "request", ...asked });
    signal.addEventListener("abort", onLeave, { once: true });
    if (signal.aborted) onLeave();
    const answer = await answered.promise;
    const outgoingBody = await this.#open(exchange, answer.body);
    if (answer.kept !== null && outgoingBody instanceof Uint8Array) {
      this.#keep(answer.kept, outgoingBody);
    }
    return {
      status: answer.status,
      headers: new AnswerHeaders(answer.fields),
      body: outgoingBody,
      onBytes: (bytes) => {
        exchange.sent += bytes;
        this.#unreported.add(exchange);
        this.#onSent();
      },
      onEnd: (bytes, brokenBy) => {
        signal.removeEventListener("abort", onLeave);
        this.#exchanges.delete(id);
        this.#unreported.delete(exchange);
        this.#port.post({ kind: "end", id, bytes, brokenBy });
      },
    };
  }

  /** Takes what the filling worker says of an exchange. */
  take(message: Extract<ToServing, { readonly id: number }>): void {
    const exchange = this.#exchanges.get(message.id);
    // What has ended here may still be spoken of there.
    if (exchange === undefined) return;
    switch (message.kind) {
      case "answer":
        // Its pieces may be here before anybody has looked at the answer.
        if (message.body.kind === "relayed") this.#relayed(exchange);
        return exchange.answered.resolve(message);
      case "piece":
        return exchange.relayed?.push(message.bytes);
      case "last-piece":
        return exchange.relayed?.end(message.failure);
      case "take-body":
        return void this.#sendPiece(exchange);
      case "cancel-body":
        return void exchange.body?.cancel().catch(() => {});
    }
  }

  /** Bytes of each answer under way that has got further since the last time. */
  sent(): (readonly [id: number, bytes: number])[] {
    const sent = [...this.#unreported].map((it) => [it.id, it.sent] as const);
    this.#unreported.clear();
    return sent;
  }

  async #open(exchange: Exchange, body: RemoteBody): Promise<Outgoing["body"]> {
    switch (body.kind) {
      case "none":
        return null;
      case "bytes":
        return body.bytes;
      case "relayed":
        return this.#relayed(exchange);
      case "file":
        return await openPart(body) ?? this.#relay(exchange, null);
      case "growing":
        return await this.#follow(exchange, body) ?? this.#relay(exchange, null);
    }
  }

  async #follow(
    exchange: Exchange,
    { path, progress, start, end }: Extract<RemoteBody, { kind: "growing" }>,
  ): Promise<ReadableStream<Uint8Array> | null> {
    const shared = new SharedProgress(progress);
    const followed = {
      path,
      progress: shared,
      // What is only in the memory of the filling worker comes from there.
      claimRest: () => this.#relay(exchange, shared.written),
    };
    try {
      return await followGrowing(followed, start, end, () => Promise.resolve(null));
    } catch {
      // It was renamed before it could be opened; the filling worker has it open.
      return null;
    }
  }

  #relay(exchange: Exchange, from: number | null): ReadableStream<Uint8Array> {
    const stream = this.#relayed(exchange);
    this.#port.post({ kind: "relay", id: exchange.id, from });
    return stream;
  }

  #relayed(exchange: Exchange): ReadableStream<Uint8Array> {
    exchange.relayed ??= new RelayedBody(exchange.id, this.#port);
    return exchange.relayed.stream;
  }

  async #sendPiece({ id, body }: Exchange): Promise<void> {
    try {
      const { done = true, value } = await body?.read() ?? {};
      const bytes = done ? null : value?.slice() ?? null;
      this.#port.post({ kind: "body-piece", id, bytes }, bytes === null ? [] : [bytes.buffer]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#port.post({ kind: "body-failed", id, message });
    }
  }
}

/** Closing it again does no harm, as with what the storage opens. */
function openOnce(file: Deno.FsFile, version: string): FilePart["open"] {
  let isOpen = true;
  return {
    file,
    version,
    [Symbol.dispose](): void {
      if (isOpen) file.close();
      isOpen = false;
    },
  };
}

/** Opens a file, if it is still the one that was meant. */
async function openPart(
  { path, identity, start, end }: Extract<RemoteBody, { kind: "file" }>,
): Promise<FilePart | null> {
  try {
    const file = await Deno.open(path);
    const found = identify(file.statSync());
    if (found !== null && sameFile(found, identity)) {
      return new FilePart(openOnce(file, versionOf(path, identity)), start, end);
    }
    file.close();
  } catch {
    // It has gone, or there are too many open: the filling worker has it open already.
  }
  return null;
}
