import type {
  AccessRule,
  DigestRule,
  FileSet,
  Limits,
  LinkRule,
  Policy,
  Upstream,
  VariantRule,
} from "../types.ts";

/** Levels of the log, quietest last. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** What is logged, how and where. */
export interface LogConfig {
  /** The least important events that are written. */
  readonly level: LogLevel;
  /** null: text on a terminal, else JSON. */
  readonly format: "text" | "json" | null;
  /** Whether requests are written; null: where `level` is info or less important. */
  readonly requests: boolean | null;
  readonly events: boolean;
  /** null: standard output. */
  readonly file: LogFileConfig | null;
}

/** A log file, and when another one is begun. */
export interface LogFileConfig {
  readonly path: string;
  /** 0: however large it gets. */
  readonly maxBytes: number;
  /** Files that were set aside and are kept. */
  readonly keep: number;
}

/** How `X-Accel-Redirect` and its kin are asked for and given. */
export interface AccelConfig {
  /** Request header, lower case, that a trusted front server sets to the internal location. */
  readonly enableByHeader: string;
  /** Response headers that then carry the location of the file. */
  readonly respondWithHeaders: readonly string[];
}

/** The config file, validated, with defaults filled in. Deeply frozen. */
export interface Config {
  readonly listen: {
    readonly address: string;
    readonly port: number;
    /** Paths of PEM files; null: plain HTTP. */
    readonly tls: { readonly cert: string; readonly key: string } | null;
    /** What clients call this server, without a slash at its end; null: as requests say. */
    readonly publicUrl: string | null;
    /** Addresses and networks (`10.0.0.0/8`) of servers in front that are believed. */
    readonly trustedProxies: readonly string[];
  };
  /** Workers that serve clients; `auto`: by the machine. */
  readonly workers: number | "auto";
  /** Where operators look and steer. */
  readonly admin: {
    readonly address: string;
    readonly port: number;
    /** What a request has to show; null: nothing, and the address is a loopback one. */
    readonly token: string | null;
    /** Whether CPU profiles and heap snapshots can be had. */
    readonly debug: boolean;
  };
  /** In the order of the file; names are unique. */
  readonly upstreams: readonly Upstream[];
  readonly misc: {
    /** 0: race by latency. */
    readonly firstChunkBytes: number;
    readonly chunkBytes: number;
  };
  readonly race: {
    /** Mirrors that are asked at once, from 1 up. */
    readonly width: number;
    /** When a file is fetched from several mirrors at once; null: never. */
    readonly segments: { readonly thresholdBytes: number; readonly windowBytes: number } | null;
  };
  readonly cache: {
    /** The last one matches every path. */
    readonly policies: readonly Policy[];
    /** The first that matches counts. */
    readonly sets: readonly FileSet[];
    readonly limits: Limits;
    /** The first that matches counts. */
    readonly variants: readonly VariantRule[];
    /** The first that matches counts. */
    readonly digests: readonly DigestRule[];
    /** Bytes; 0: none. */
    readonly memoryBytes: number;
    /** Whether `Cache-Control` of clients counts (RFC 9111 section 5.2.1). */
    readonly clientDirectives: "ignore" | "honour";
    /** Whether `CDN-Cache-Control` is preferred to `Cache-Control` (RFC 9213). */
    readonly targetedDirectives: boolean;
    /** Whether no upstream is ever asked. */
    readonly offline: boolean;
  };
  readonly storage: {
    readonly path: string;
    readonly temporaryFilePattern: string;
    readonly accel: AccelConfig | null;
  };
  readonly fetch: {
    readonly headTimeoutMs: number;
    readonly stallTimeoutMs: number;
    /** What a body must deliver while there is another candidate; 0: nothing. */
    readonly minimumBytesPerSecond: number;
    /** How far ahead of what has arrived a range must begin to be fetched on its own; null: off. */
    readonly rangeSkipBytes: number | null;
    readonly maxFills: number;
  };
  /** The first that matches counts; without one a path is allowed. */
  readonly rules: readonly AccessRule[];
  /** The first that matches counts. */
  readonly links: readonly LinkRule[];
  readonly forward: {
    /** Hosts, `*` is any characters, with or without a port. */
    readonly allow: readonly string[];
  };
  /** What is fetched before somebody asks for it. */
  readonly prefetch: "off" | "updates";
  readonly log: LogConfig;
}
