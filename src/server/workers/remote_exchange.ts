import { GrowingStream } from "../../fill/growing_reader.ts";
import { identify } from "../../storage/file_identity.ts";
import { FilePart } from "../../storage/read_file.ts";
import type { Entry } from "../../types.ts";
import { type OpenBodies, type OpenBody, streamOf } from "../body_stream.ts";
import type { Outgoing } from "../outgoing.ts";
import type { Port, RemoteBody, ToServing } from "./messages.ts";
import { Relay } from "./relay.ts";
import type { RemoteRequest } from "./remote_request.ts";
import { shareProgress } from "./shared_progress.ts";

/** A longer body is not waited for until it is whole. */
const MAX_GATHERED_BYTES = 64 * 1024;

/** What an exchange takes. */
export interface ExchangeParts {
  readonly port: Port<ToServing>;
  readonly openBodies: OpenBodies;
  readonly pathOf: (entry: Entry) => string;
  /** Called when what is under way is to be broken off. */
  readonly onCut: () => void;
}

/**
 * The filling worker's side of one request and its answer. Until the serving worker has sent the
 * answer, a file of the answer is open here as well: so it is not evicted, and it can be read here if
 * it cannot be there.
 */
export class RemoteExchange {
  readonly request: RemoteRequest;
  readonly #parts: ExchangeParts;
  #outgoing: Outgoing | null = null;
  #open: OpenBody | null = null;
  #relay: Relay | null = null;
  #counted = 0;
  /** Whether the answer was made, and handed over. */
  #isReady = false;
  #endedBy: { readonly brokenBy: string | null } | null = null;

  constructor(request: RemoteRequest, parts: ExchangeParts) {
    this.request = request;
    this.#parts = parts;
  }

  /** Takes the answer; null when nobody waits for it any more. */
  async answer(outgoing: Outgoing): Promise<RemoteBody | null> {
    this.#outgoing = outgoing;
    if (this.#endedBy === null) {
      const { body } = outgoing;
      if (body !== null) this.#open = this.#parts.openBodies.enter(this.#parts.onCut);
      const described = this.#describe(outgoing);
      const isGathered = described.kind === "relayed" && isShort(outgoing);
      const bytes = isGathered ? await this.#relayOf(body)?.gather() ?? null : null;
      if (!this.#hasEnded()) {
        this.#isReady = true;
        return bytes === null ? described : { kind: "bytes", bytes };
      }
    }
    this.#finish(0, this.#endedBy?.brokenBy ?? null);
    return null;
  }

  /** The worker gets the body piece by piece, from a byte of the file on or as it is. */
  relay(from: number | null): void {
    const body = this.#outgoing?.body ?? null;
    if (from !== null && body instanceof GrowingStream) body.beginAt(from);
    this.#relayOf(body)?.begin();
  }

  taken(bytes: number): void {
    this.#relay?.taken(bytes);
  }

  /** So many bytes of the body have gone out so far. */
  sent(bytes: number): void {
    this.#outgoing?.onBytes(bytes - this.#counted);
    this.#counted = bytes;
  }

  /** @param brokenBy Why the body did not go out whole; null: it did. */
  end(bytes: number, brokenBy: string | null): void {
    if (this.#endedBy !== null) return;
    this.#endedBy = { brokenBy };
    if (brokenBy !== null) this.request.leave();
    // While the answer is being made, whoever makes it sees that nobody waits for it.
    if (this.#isReady) this.#finish(bytes, brokenBy);
  }

  /** The worker has died; what it had sent last is not known. */
  abandon(reason: string): void {
    this.end(this.#counted, reason);
  }

  #relayOf(body: Outgoing["body"]): Relay | null {
    if (this.#relay !== null || body === null || body instanceof Uint8Array) return this.#relay;
    this.#relay = new Relay(this.request.id, streamOf(body), this.#parts.port);
    return this.#relay;
  }

  #hasEnded(): boolean {
    return this.#endedBy !== null;
  }

  #finish(bytes: number, brokenBy: string | null): void {
    this.sent(bytes);
    this.#open?.end();
    this.#release();
    this.#outgoing?.onEnd(bytes, brokenBy);
    // A request body of which more was wanted has no more.
    this.request.failBody("The exchange has ended");
  }

  #release(): void {
    if (this.#relay !== null) return this.#relay.cancel();
    const body = this.#outgoing?.body ?? null;
    if (body instanceof FilePart) body.open[Symbol.dispose]();
    else if (body instanceof ReadableStream) void body.cancel().catch(() => {});
  }

  #describe(outgoing: Outgoing): RemoteBody {
    const { body } = outgoing;
    if (body === null) return { kind: "none" };
    if (body instanceof Uint8Array) return { kind: "bytes", bytes: ownBytes(body) };
    if (body instanceof FilePart) return this.#describeFile(body) ?? { kind: "relayed" };
    if (!(body instanceof GrowingStream) || isShort(outgoing)) return { kind: "relayed" };
    if (body.followed.path === null) return { kind: "relayed" };
    const { followed: { path, progress }, start, end } = body;
    return { kind: "growing", path, progress: shareProgress(progress), start, end };
  }

  #describeFile({ open, start, end }: FilePart): RemoteBody | null {
    if (open.entry === undefined) return null;
    const identity = identify(open.file.statSync());
    if (identity === null) return null;
    return { kind: "file", path: this.#parts.pathOf(open.entry), identity, start, end };
  }
}

/** Whether it is known to be no longer than what is gathered. */
function isShort({ headers }: Outgoing): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_GATHERED_BYTES;
}

/** To send a part of a buffer would send all of it. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
