/**
 * The one interface between serving and filling. Whatever crosses it is plain data, a progress
 * signal, or a stream that could be transferred: serving must not assume that the filling plane
 * shares its heap.
 *
 * @module
 */

import type { Bond } from "../decide/bond.ts";
import type {
  AttemptFailure,
  BodyHead,
  ByDirectives,
  Entry,
  HeaderList,
  Key,
  Target,
} from "../types.ts";

/** What serving asks for. */
export interface FillRequest {
  readonly target: Target;
  /**
   * The stored copy that the asker knows and that is to be revalidated; null when it knows none. If
   * there is another one by the time the fill would start, the answer is that one.
   */
  readonly known: Entry | null;
  /** Whether upstreams may say that `known` is still good; not when it cannot be read. */
  readonly revalidates: boolean;
  /** null: the config decides what is stored. */
  readonly byDirectives: ByDirectives | null;
  /** Why the answer must not be stored, whatever it is; null: it may. */
  readonly unstorable: string | null;
  /** Whether the asker wants the whole body from its first byte on, as it comes in. */
  readonly wantsLead: boolean;
  /**
   * Whether to fill for this request alone, joining nobody: after a joint flight came to nothing
   * for reasons that need not hold here (another spelling of the path, a body that passed by).
   */
  readonly alone: boolean;
  /** What the set that the file belongs to asks of it; null or absent: it belongs to none. */
  readonly bond?: Bond | null;
}

/** What came of the race. Known before the body has arrived. */
export type FillHead =
  /**
   * The body is on its way into the cache. A small one may be here whole: then nobody reads it from
   * a growing file, and there is none.
   */
  | { readonly kind: "filling"; readonly head: BodyHead; readonly body?: Uint8Array }
  /** The body cannot be stored; it exists once, for whoever started the fill: take it as the lead. */
  | { readonly kind: "passing"; readonly head: BodyHead; readonly reason: string }
  /** An upstream vouched for the stored copy. */
  | { readonly kind: "validated"; readonly entry: Entry; readonly upstream: string }
  /** Somebody else had filled or validated the key meanwhile. */
  | { readonly kind: "stored"; readonly entry: Entry }
  | { readonly kind: "failed"; readonly failures: readonly AttemptFailure[] }
  /** Too many fills are under way, or we are shutting down. */
  | Refused;

/** Nothing was asked of any upstream. */
export interface Refused {
  readonly kind: "refused";
  readonly reason: "too-many-fills" | "shutting-down";
}

/** How the body ended. */
export type FillEnd =
  | { readonly kind: "stored"; readonly entry: Entry }
  /** All bytes arrived; whoever has the file open reads them, but it was not kept. */
  | { readonly kind: "unpublished"; readonly reason: string }
  /** The bytes did not arrive whole; the entry is as it was. */
  | { readonly kind: "broken"; readonly reason: string }
  /**
   * The bytes up to `written` are readable, the rest could not be written. One reader may go on
   * with the rest: `Fill.claimRest`.
   */
  | { readonly kind: "unstorable"; readonly reason: string };

/** How far a body is. Read `written` and `end` again after each `changed()`. */
export interface Progress {
  /** Bytes that can be read from the growing file, or that are here whole. */
  readonly written: number;
  /** null while the body is under way. */
  readonly end: FillEnd | null;
  /** Resolves at the next change of `written` or `end`; never rejects. */
  changed(): Promise<void>;
}

/** One asker's view of a flight. */
export interface Fill {
  /** Whether this request started the flight or joined it. */
  readonly role: "leader" | "joiner";
  /** Never rejects. */
  readonly head: Promise<FillHead>;
  /** The target of the request that started the flight. */
  readonly target: Target;
  /** The bond under which the flight was started. */
  readonly bond: Bond | null;
  readonly progress: Progress;
  /** Absolute path of the growing file; null until the head is `filling`, or where there is none. */
  readonly path: string | null;
  /**
   * Counts a reader of the growing file among the joiners, unless it is the leader's. Returns what to
   * call when it has left.
   */
  joined(): () => void;
  /**
   * The body as it comes in, for the leader that asked for it; null for everybody else and the
   * second time. Reading it slowly slows the fill only by a bounded amount; cancelling it does not
   * end the fill, except where the body is `passing`.
   */
  takeLead(): ReadableStream<Uint8Array> | null;
  /**
   * After an `unstorable` end: the bytes from `progress.written` on, for the first that asks; null
   * for the others. Cancelling it ends the fill.
   */
  claimRest(): ReadableStream<Uint8Array> | null;
  /**
   * The bytes from `start` up to `end` (exclusive) by a request of their own, where they are so far
   * ahead of the growing file that to wait for it would take too long, or where the file never gets
   * there because the disk takes no more. null when they are not, when
   * no upstream gives them, or when the file has reached them before: then follow the file. Slow
   * reading slows nobody; cancelling ends this request, and never the fill.
   *
   * @param end At most the size that the head declares.
   * @param signal Ends the asking; what has been handed out is for its reader to cancel.
   * @param tail What the reader has of the bytes just before `start`, to be compared.
   */
  skipTo(
    start: number,
    end: number,
    signal: AbortSignal,
    tail?: Uint8Array,
  ): Promise<ReadableStream<Uint8Array> | null>;
}

/** What came of asking for a head without a body. */
export type ProbeResult =
  | { readonly kind: "head"; readonly head: BodyHead }
  | { readonly kind: "failed"; readonly failures: readonly AttemptFailure[] }
  | Refused;

/** A request with a method of its own that goes to one upstream as it is. */
export interface ForwardRequest {
  readonly target: Target;
  /** Upper case; neither GET nor HEAD. */
  readonly method: string;
  /** The client's end-to-end fields. */
  readonly headers: HeaderList;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Bytes that the client has declared for the body; null when it has not. */
  readonly declared: number | null;
  /** Aborted when the client has left: nobody needs the answer any more. */
  readonly signal: AbortSignal;
}

/** What came of it. */
export type ForwardResult =
  | {
    readonly kind: "answer";
    readonly upstream: string;
    readonly status: number;
    readonly headers: HeaderList;
    /** To be read or cancelled. */
    readonly body: ReadableStream<Uint8Array> | null;
    /** What the answer has made worthless in the cache (RFC 9111 section 4.4). */
    readonly invalidated: readonly Key[];
  }
  /** Nobody waits for the answer any more. */
  | { readonly kind: "client-left" }
  /** No candidate takes the method; `allowed` are those that some candidate takes. */
  | { readonly kind: "method-not-allowed"; readonly allowed: readonly string[] }
  | { readonly kind: "failed"; readonly failures: readonly AttemptFailure[] }
  | Refused;

/** The filling plane. */
export interface Filler {
  /** Joins the flight of the key, or starts one. One flight a key, whoever asks. */
  fill(request: FillRequest): Fill;
  /** Asks the upstreams for the head alone, for a HEAD on something that is not stored. */
  probe(target: Target, byDirectives: ByDirectives | null): Promise<ProbeResult>;
  /** Passes a request through to the best candidate that takes its method. Stores nothing. */
  forward(request: ForwardRequest): Promise<ForwardResult>;
  /**
   * What is under way for certain keys is joined by nobody any more and not stored at its end; who
   * reads it reads on. Resolves when nothing of it can be published any more.
   */
  disown(matches: (key: Key) => boolean): Promise<void>;
}
