import type { ClientRequest } from "../client_request.ts";
import { HeaderFields } from "../http1/header_fields.ts";
import type { FromServing, Kept, Port, QuickSettings, ToServing } from "./messages.ts";

const CLIENT_LEFT = new DOMException("The client has left", "AbortError");

/** An answer that is worth keeping, without what is looked at when it is sent. */
export interface WorthKeeping {
  readonly settings: QuickSettings;
  readonly answer: Pick<Kept, "target" | "hit" | "keptAt">;
}

/** A request that a serving worker has read from the wire, as the handler takes it. */
export class RemoteRequest implements ClientRequest {
  readonly id: number;
  readonly isRemote = true;
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderFields;
  readonly client: string;
  readonly form: ClientRequest["form"];
  readonly local: ClientRequest["local"];
  readonly body: ReadableStream<Uint8Array> | null;
  /** What the worker may keep of the answer, as long as the same settings are in force. */
  worthKeeping: WorthKeeping | null = null;
  readonly #leaving = new AbortController();
  #piece: PromiseWithResolvers<Uint8Array | null> | null = null;

  constructor(asked: Extract<FromServing, { kind: "request" }>, port: Port<ToServing>) {
    this.id = asked.id;
    this.method = asked.method;
    this.url = asked.url;
    this.headers = new HeaderFields(asked.fields);
    this.client = asked.client;
    this.form = asked.form;
    this.local = asked.local;
    this.body = asked.hasBody ? this.#stream(port) : null;
  }

  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** The client has left, or its worker has died. */
  leave(): void {
    this.#leaving.abort(CLIENT_LEFT);
    this.failBody("The client has left");
  }

  /** One more piece of the body; null: that was all. */
  takePiece(bytes: Uint8Array | null): void {
    this.#piece?.resolve(bytes);
    this.#piece = null;
  }

  failBody(message: string): void {
    this.#piece?.reject(new Error(message));
    this.#piece = null;
  }

  /** One piece at a time is asked for: there is never more than that on its way. */
  #stream(port: Port<ToServing>): ReadableStream<Uint8Array> {
    const { id } = this;
    return new ReadableStream<Uint8Array>({
      pull: async (controller): Promise<void> => {
        if (this.signal.aborted) throw CLIENT_LEFT;
        this.#piece = Promise.withResolvers();
        port.post({ kind: "take-body", id });
        const bytes = await this.#piece.promise;
        if (bytes === null) controller.close();
        else controller.enqueue(bytes);
      },
      cancel: () => port.post({ kind: "cancel-body", id }),
    }, { highWaterMark: 0 });
  }
}
