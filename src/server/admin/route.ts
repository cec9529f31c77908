import type { Entry } from "../../types.ts";
import type { Digest } from "../../decide/digests/digest.ts";
import type { Cache } from "../../cache/cache.ts";
import type { LocalStorage } from "../../storage/local_storage.ts";
import type { HistoryRange } from "./history.ts";
import type { HistoryTable } from "./history_ring.ts";
import type { LogLevelSwitch } from "./log_level_switch.ts";
import type { EventSlots } from "./event_slots.ts";
import type { MetricSet } from "./metric_set.ts";
import type { StatusSources } from "./status.ts";

/** What the routes work with. */
export interface AdminParts {
  readonly version: string;
  readonly metrics: MetricSet;
  /** The cache of the config that is in force. */
  readonly cache: () => Cache;
  readonly storage: Pick<
    LocalStorage,
    "list" | "find" | "adopt" | "remove" | "variantsOf" | "pathOf" | "usage" | "isReplaced"
  >;
  /** What is known of a copy's bytes; any of them will do. */
  readonly digestsOf: (entry: Entry) => readonly Digest[];
  readonly status: StatusSources;
  /** For answers of server-sent events. */
  readonly eventSlots: EventSlots;
  /** Why the proxy cannot do its work now; empty when it can. */
  readonly problems: () => Promise<readonly string[]>;
  /** The same, but what concerns the disk may be `CHECK_KEPT_MS` old. */
  readonly recentProblems: () => Promise<readonly string[]>;
  /** What was, up to now. */
  readonly history: (range: HistoryRange) => HistoryTable;
  readonly logLevel: LogLevelSwitch;
  /** Whether CPU profiles and heap snapshots can be had. */
  readonly isDebug: () => boolean;
}

/** A request that was let in and found its route. */
export interface AdminRequest {
  /** What stands for `{path}`, with its `/` at the beginning, as it was sent; else empty. */
  readonly path: string;
  /** With its `?`, as it was sent; empty without one. */
  readonly query: string;
  /** Aborted when the client has left or the proxy is going down. */
  readonly signal: AbortSignal;
  /**
   * The body as JSON; undefined when it is none or has more than `maxBytes`. To be read once.
   */
  json(maxBytes: number): Promise<unknown>;
}

/** A parameter of the query. */
export interface QueryParameter {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** One thing that the admin listener does, and how it is described. */
export interface Route {
  readonly method: "GET" | "DELETE" | "POST" | "PUT";
  /** `{path}` at its end stands for the rest, slashes included. */
  readonly path: string;
  /** Whether it takes no token. */
  readonly isOpen: boolean;
  readonly summary: string;
  readonly parameters: readonly QueryParameter[];
  /** JSON schema of the body that it takes; without it, it takes none. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What each status means. */
  readonly responses: Readonly<Record<number, string>>;
  /** Of the answer when all is well. */
  readonly contentType:
    | "application/json"
    | "text/plain"
    | "text/event-stream"
    | "text/html"
    | "text/css"
    | "text/javascript"
    | "image/svg+xml";
  handle(request: AdminRequest, parts: AdminParts): Promise<Response> | Response;
}
