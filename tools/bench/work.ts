import type { Origin } from "./origin.ts";
import type { Contestant, Server } from "./server.ts";

/** What is measured: names of metrics with their values. */
export type Measures = Readonly<Record<string, number>>;

/** One of the figures of a work. */
export interface Metric {
  readonly name: string;
  /** As the table says it. */
  readonly title: string;
  readonly unit: "per second" | "bytes per second" | "ms" | "s" | "MiB" | "count";
  readonly better: "more" | "less";
}

/** What a figure has to reach. */
export interface Bar {
  readonly metric: string;
  /** Whose figure. */
  readonly of: string;
  /** The ratio to another's figure, the difference to it, or the figure alone. */
  readonly to: string | null;
  readonly rule:
    | { readonly kind: "ratio"; readonly atLeast: number }
    | { readonly kind: "ratio"; readonly atMost: number }
    | { readonly kind: "difference"; readonly atMost: number }
    | { readonly kind: "value"; readonly atMost: number };
}

/** What works are given. */
export interface Bench {
  readonly origin: Origin;
  /** Ours and all peers that are installed, with one upstream. */
  readonly peers: readonly Contestant[];
  /** Ours alone, in another form. */
  ours(options: OursOptions): Promise<Contestant>;
  /** How long a turn under load takes, in seconds. */
  readonly seconds: number;
  /** On disk, removed at the end. */
  readonly folder: string;
  /** A word that no path had before. */
  unique(): string;
}

/** In what ours differs from the usual. */
export interface OursOptions {
  readonly name: string;
  readonly upstreams: readonly string[];
  readonly dataDir?: string;
}

/**
 * One kind of work that contestants do in turns. The first metric is the one that the overview shows.
 */
export interface Work<S extends Server = Server> {
  /** As the command line and the file of results have it. */
  readonly name: string;
  readonly title: string;
  /** Whether the check for regressions has it: it must be short. */
  readonly isQuick: boolean;
  readonly metrics: readonly Metric[];
  /** Whose figures the others are compared with. */
  readonly base: string;
  readonly bars: readonly Bar[];
  contestants(bench: Bench): Promise<readonly Contestant[]>;
  /** Fills the cache, warms the program up. One that throws takes no part. */
  prepare(server: S, bench: Bench): Promise<void>;
  /** What takes all contestants, after each is prepared. */
  begin?(servers: ReadonlyMap<string, S>, bench: Bench): Promise<void>;
  /** One turn. One that throws takes no further part. */
  measure(server: S, bench: Bench): Promise<Measures>;
}
