/**
 * What crosses between the filling worker (the main isolate) and a serving one: plain data, bytes,
 * and two kinds of shared memory. An exchange is one request and its answer; its id is the serving
 * worker's, and counts up.
 *
 * @module
 */

import type { FileIdentity } from "../../storage/file_identity.ts";
import type { HeaderList, Instant } from "../../types.ts";
import type { AccessRecord } from "../access_log.ts";
import type { ArrivalSettings } from "../arrivals.ts";
import type { ClientRequest } from "../client_request.ts";
import type { Hit } from "../quick_answers.ts";
import type { CountedTally } from "../server_counters.ts";
import type { Stamp } from "./generations.ts";

/** Where to listen; `tls` in PEM. */
export interface SharedPlace {
  readonly hostname: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** What decides which answers a worker gives from its memory. */
export interface QuickSettings {
  /** Of one worker. */
  readonly maxBytes: number;
  readonly honoursDirectives: boolean;
  readonly accelHeader: string | null;
  /** Whose word counts for where a request comes from. */
  readonly arrivals: ArrivalSettings;
}

/** An answer that is worth keeping. */
export interface Kept {
  /** As it was sent. */
  readonly target: string;
  readonly hit: Hit;
  readonly keptAt: Instant;
  /** Of its file. */
  readonly path: string;
  readonly identity: FileIdentity;
  readonly stamp: Stamp;
}

/** Where the serving worker gets the body of an answer. */
export type RemoteBody =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** From a file that it opens itself, if that is still the one that was meant. `end` exclusive. */
  | {
    readonly kind: "file";
    readonly path: string;
    readonly identity: FileIdentity;
    readonly start: number;
    readonly end: number;
  }
  /** From a file that grows; its progress is shared memory. `end` null: wherever the body ends. */
  | {
    readonly kind: "growing";
    readonly path: string;
    readonly progress: SharedArrayBuffer;
    readonly start: number;
    readonly end: number | null;
  }
  /** Piece by piece. */
  | { readonly kind: "relayed" };

/** What the filling worker says. */
export type ToServing =
  | {
    readonly kind: "start";
    readonly place: SharedPlace;
    readonly settings: QuickSettings;
    readonly generations: SharedArrayBuffer;
    readonly logsRequests: boolean;
  }
  | { readonly kind: "configure"; readonly settings: QuickSettings }
  | { readonly kind: "log-requests"; readonly isOn: boolean }
  | {
    readonly kind: "answer";
    readonly id: number;
    readonly status: number;
    readonly fields: HeaderList;
    readonly body: RemoteBody;
    readonly kept: Kept | null;
  }
  /** Wants one more piece of a request's body. */
  | { readonly kind: "take-body"; readonly id: number }
  /** Wants no more of it. */
  | { readonly kind: "cancel-body"; readonly id: number }
  | { readonly kind: "piece"; readonly id: number; readonly bytes: Uint8Array }
  /** `failure` null: that was all. */
  | { readonly kind: "last-piece"; readonly id: number; readonly failure: string | null }
  /** Wants what was counted until now, and a word when it was sent. */
  | { readonly kind: "report"; readonly turn: number }
  /** Takes no new connections; says `drained` when all answers have gone out. */
  | { readonly kind: "drain" }
  /** Breaks every transfer off. */
  | { readonly kind: "cut" }
  /** Throws, for tests of what a crash costs. */
  | { readonly kind: "crash" };

/** What a serving worker says. */
export type FromServing =
  | { readonly kind: "listening"; readonly hostname: string; readonly port: number }
  | { readonly kind: "cannot-listen"; readonly name: string; readonly message: string }
  | {
    readonly kind: "request";
    readonly id: number;
    readonly method: string;
    readonly url: string;
    readonly fields: HeaderList;
    readonly client: string;
    readonly form: ClientRequest["form"];
    readonly local: ClientRequest["local"];
    readonly hasBody: boolean;
  }
  /** The client of an exchange has left. */
  | { readonly kind: "left"; readonly id: number }
  /** null: that was all. */
  | { readonly kind: "body-piece"; readonly id: number; readonly bytes: Uint8Array | null }
  | { readonly kind: "body-failed"; readonly id: number; readonly message: string }
  /** Wants the body piece by piece after all; `from`: only what comes behind that byte. */
  | { readonly kind: "relay"; readonly id: number; readonly from: number | null }
  /** Bytes of pieces that the client has taken. */
  | { readonly kind: "taken"; readonly id: number; readonly bytes: number }
  /** The answer has gone out; `bytes` of its body, and why that was not all. */
  | {
    readonly kind: "end";
    readonly id: number;
    readonly bytes: number;
    readonly brokenBy: string | null;
  }
  | ({ readonly kind: "counted" } & Counted)
  | { readonly kind: "reported"; readonly turn: number }
  | {
    readonly kind: "log";
    readonly level: "debug" | "info" | "warn" | "error";
    readonly category: readonly string[];
    readonly message: string;
  }
  | { readonly kind: "drained" };

/** What has happened in a serving worker since it last told. */
export interface Counted {
  /** Of answers from memory. */
  readonly tallies: readonly CountedTally[];
  /** Of answers from memory, by key. */
  readonly uses: readonly (readonly [key: string, times: number])[];
  readonly requests: readonly AccessRecord[];
  /** Of answers that are under way: bytes of their bodies so far. */
  readonly sent: readonly (readonly [id: number, bytes: number])[];
}

/** One side of the way between two workers. */
export interface Port<Out> {
  /** @param transfer Buffers that are moved, not copied. */
  post(message: Out, transfer?: ArrayBuffer[]): void;
}
