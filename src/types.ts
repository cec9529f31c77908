/**
 * Plain data that crosses the layers, and the few interfaces that stand for the outside world.
 * Nothing here has behaviour.
 *
 * @module
 */

/** Milliseconds since the epoch. */
export type Instant = number;

/**
 * The name of a cached thing: the request's path in its one canonical spelling, plus `?query` where
 * there is one. Two spellings of one path (`%7E` and `~`) have one key.
 */
export type Key = string;

/** HTTP header fields in order; names in lower case, one pair for each field line. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What a client asked for. */
export interface Target {
  readonly key: Key;
  /** The canonical path without the query: what policies and priority groups match. */
  readonly path: string;
  /**
   * The path as the client spelled it, without the query. Upstreams get this one: `%2B`, `+`, `~`
   * and `:` differ on real mirrors.
   */
  readonly rawPath: string;
  /** The query as the client spelled it, with its `?`; empty without one. */
  readonly query: string;
  /**
   * The `Accept` that upstreams get to see, where it selects one of several forms of the path; `key`
   * is then that form's. Absent: there is one form, and any type will do.
   */
  readonly accept?: string;
}

/** A compiled regular expression of the config file, in Go's dialect, in linear time. */
export interface Pattern {
  readonly source: string;
  /** Whether the expression matches anywhere in the text. */
  test(text: string): boolean;
  /** Go's `ReplaceAllString`: every match replaced, `$1`, `${1}` and `${name}` expanded. */
  replaceAll(text: string, replacement: string): string;
  /** What the first group has matched in the first match; null when there is none. */
  capture(text: string): string | null;
}

/** One condition on a header field. */
export interface HeaderChecker {
  readonly name: string;
  /** The field must be present, and its value must match; null: whatever it is. */
  readonly match: Pattern | null;
  /** Its value must not match. With this one and no `match` the field may be absent. */
  readonly notMatch?: Pattern | null;
}

/** One condition on an upstream's answer; all conditions of all checkers must hold. */
export interface Checker {
  /** `any`: every final answer counts as an answer, as with a plain reverse proxy. */
  readonly statusCodes: readonly number[] | "any";
  readonly headers: readonly HeaderChecker[];
}

/** One mirror, as configured. */
export interface Upstream {
  /** Unique; for logs, metrics and headers. */
  readonly name: string;
  /** The base URL without a slash at its end. */
  readonly server: string;
  /** null: every path, unchanged. */
  readonly mapping: { readonly match: Pattern; readonly replace: string } | null;
  /**
   * Where its own paths begin among those of clients, without a slash at the end, empty for the
   * root; null when `mapping` is another one.
   */
  readonly mount: string | null;
  /** Hosts (`*` is any characters) that its files are linked on, and which upstream has them. */
  readonly files: readonly { readonly host: string; readonly upstream: string }[];
  /** Credentials for its own host alone; null: none. */
  readonly auth: UpstreamAuth | null;
  /** Whether what is for one user only may be stored. */
  readonly cachePrivate: boolean;
  /** `oci`: a registry of container images, which hands out tokens and knows files by digest. */
  readonly protocol: "http" | "oci";
  /** On token servers' URLs: which, besides the upstream's own host, may have `auth`; null: none. */
  readonly tokenRealm: Pattern | null;
  readonly checkers: readonly Checker[];
  /** Which redirect targets may be followed; null: the same host only. */
  readonly allowedRedirect: Pattern | null;
  readonly priorityGroups: readonly { readonly match: Pattern; readonly priority: number }[];
  /** Extra request headers, credentials among them: never logged, never sent to another host. */
  readonly headers: HeaderList;
  /** URL of an HTTP, HTTPS or SOCKS5 proxy; null: what the environment says. */
  readonly proxy: string | null;
  /** Upper case, GET and HEAD not among them: passed through, answers never stored. */
  readonly allowMethods: readonly string[];
}

/** What an upstream wants to see. Never logged. */
export type UpstreamAuth =
  | { readonly kind: "netrc"; readonly path: string }
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "basic"; readonly user: string; readonly password: string };

/** What clients may have. */
export interface AccessRule {
  readonly match: Pattern;
  readonly action: "allow" | "deny" | "direct";
  /** Empty: none is given. */
  readonly reason: string;
}

/** How links are written in a file. */
export type LinkFormat = "npm-metadata" | "simple-index" | "cargo-config" | "mirror-list";

/** Files whose links are rewritten when they are served. */
export interface LinkRule {
  readonly match: Pattern;
  readonly format: LinkFormat;
}

/** Paths that have several forms, one of which a client's `Accept` chooses. */
export interface VariantRule {
  readonly match: Pattern;
  /** In order of preference; `pass`: the client's own `Accept` is passed on. */
  readonly accept: readonly string[] | "pass";
}

/** How digests of files are published. */
export type DigestFormat =
  | "apt-release"
  | "apt-packages"
  | "apt-sources"
  | "rpm-repomd"
  | "rpm-primary"
  | "simple-index"
  | "npm-metadata"
  | "cargo-index"
  | "go-sumdb"
  | "narinfo"
  | "pacman-db"
  | "rubygems-index"
  | "maven-checksum"
  | "sha256-path";

/** Files that list digests of others, or whose path is their own. */
export interface DigestRule {
  readonly match: Pattern;
  readonly format: DigestFormat;
}

/**
 * When a stored copy is revalidated: so many milliseconds after the last time, never, or when the
 * upstream's own header fields say so (RFC 9111).
 */
export type RefreshAfter = number | "never" | "upstream";

/** What holds for copies of certain paths. */
export interface Policy {
  readonly match: Pattern;
  readonly refreshAfter: RefreshAfter;
  /** How long after it became stale a copy may stand in for upstreams that fail; null: always. */
  readonly staleIfErrorMs: number | null;
  /** How long after it became stale a copy is served while it is revalidated; 0: not at all. */
  readonly staleWhileRevalidateMs: number;
  /** For how many milliseconds an upstream's error status is remembered, by status. */
  readonly negative: ReadonlyMap<number, number>;
}

/** Files that belong together: the anchors head the set, the others fit the state that these have. */
export interface FileSet {
  /** On the canonical path; its first group names the set. */
  readonly match: Pattern;
  /** Names of the files that head a set, the preferred one first; `*` is any characters. */
  readonly anchors: readonly string[];
}

/** What a file's bytes must be. */
export interface Listed {
  /** In lower-case hexadecimal. */
  readonly sha256: string;
  /** Bytes; null: not said. */
  readonly size: number | null;
}

/**
 * What it takes to let an upstream's own header fields decide (RFC 9111): its answer is one to this
 * very request.
 */
export interface ByDirectives {
  /** All fields of the client's request. */
  readonly request: HeaderList;
  /** Whether `CDN-Cache-Control` is preferred to `Cache-Control` (RFC 9213). */
  readonly targeted: boolean;
}

/** What the cache may take of the disk. */
export interface Limits {
  /** For all bodies together, unfinished ones included; null: no limit. */
  readonly maxBytes: number | null;
  /** What the file system keeps free, in bytes or as a share of its size (0 to 1). */
  readonly minFree: { readonly kind: "bytes" | "share"; readonly value: number };
  /** An entry that was not used for so long goes; null: none goes for that. */
  readonly inactiveMs: number | null;
  /** A longer body is passed on and not stored; null: no limit. */
  readonly maxObjectBytes: number | null;
}

/** What the index holds for a key. */
export interface Entry {
  readonly key: Key;
  /** Of the answer that is stored; 200 for an adopted file. */
  readonly status: number;
  /** Where the bytes are, relative to the data directory, with `/`. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** As received, with its quotes and `W/`. */
  readonly etag: string | null;
  /** To the second, since HTTP dates carry no more. */
  readonly lastModified: Instant | null;
  /** End-to-end fields to serve again; those that this type holds apart are not among them. */
  readonly headers: HeaderList;
  /** Name of the upstream that the copy and its ETag came from; null for an adopted file. */
  readonly upstream: string | null;
  readonly storedAt: Instant;
  /** When the request was sent whose answer last vouched for the copy: RFC 9111 section 4.2.3. */
  readonly requestedAt: Instant;
  /** When that answer's head was there. */
  readonly validatedAt: Instant;
  /**
   * The request fields that selected this answer (`Vary`), values normalised; empty when it suits
   * every request.
   */
  readonly vary: HeaderList;
}

/** What is known of a body before it has arrived: enough to answer a client. */
export interface BodyHead {
  readonly status: number;
  /** Declared length in bytes; null when the upstream gave none. */
  readonly size: number | null;
  readonly etag: string | null;
  readonly lastModified: Instant | null;
  readonly headers: HeaderList;
  readonly upstream: string;
  readonly requestedAt: Instant;
  /** When the head was there. */
  readonly receivedAt: Instant;
  /** As in `Entry`. */
  readonly vary: HeaderList;
}

/** Why one upstream did not deliver. */
export type FailureReason =
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "checker"; readonly detail: string }
  | { readonly kind: "html" }
  | { readonly kind: "redirect"; readonly detail: string }
  | { readonly kind: "timeout"; readonly afterMs: number }
  | { readonly kind: "stalled"; readonly afterMs: number }
  /** Gave less than was expected of it while another upstream was at hand. */
  | {
    readonly kind: "slow";
    readonly bytesPerSecond: number;
    readonly expectedBytesPerSecond: number;
  }
  | { readonly kind: "network"; readonly detail: string }
  | { readonly kind: "short-body"; readonly received: number; readonly declared: number }
  | { readonly kind: "long-body"; readonly declared: number }
  /** What it has under this name is not what another mirror had begun to send. */
  | { readonly kind: "differs"; readonly detail: string }
  /** Its bytes are not those whose digest is published. */
  | { readonly kind: "digest"; readonly detail: string }
  | { readonly kind: "aborted" };

/** One upstream's failure. */
export interface AttemptFailure {
  readonly upstream: string;
  readonly reason: FailureReason;
}

/** Time, so that tests can hold it. */
export interface Clock {
  now(): Instant;
  /** Calls back once after so many milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void;
}
