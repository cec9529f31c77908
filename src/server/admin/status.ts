import { describeFailure } from "../../decide/failure.ts";
import type { Activity } from "../../fill/activity.ts";
import type { UpstreamCounters } from "../../fill/counters.ts";
import type { Score } from "../../fill/scores.ts";
import type { Usage } from "../../storage/storage.ts";
import type { Instant } from "../../types.ts";
import type { CountedResult, ServerCounters, Tally } from "../server_counters.ts";
import {
  isoOf,
  type ShownDownload,
  shownDownload,
  type ShownProblem,
  shownProblem,
} from "./status_view.ts";

/** Answers whose bytes were here already. */
export const HITS: readonly CountedResult[] = ["HIT", "REVALIDATED", "STALE"];

/** Where the status is read, each time that somebody asks. */
export interface StatusSources {
  readonly version: string;
  readonly startedAt: Instant;
  readonly now: () => Instant;
  /** Base URL for clients. */
  readonly listen: () => string;
  readonly isOffline: () => boolean;
  /** All that are configured, in order. */
  readonly upstreams: () => readonly { readonly name: string; readonly server: string }[];
  /** Of those that were asked. */
  readonly upstreamCounters: () => Readonly<Record<string, UpstreamCounters>>;
  readonly scoreOf: (upstream: string) => Pick<Score, "headMs" | "bytesPerSecond"> | null;
  readonly counters: ServerCounters;
  readonly storage: {
    usage(): Usage;
    readonly evicted: { readonly count: number };
  };
  /** What the cache may take; null: no limit. */
  readonly maxBytes: () => number | null;
  /** What the file system has left; null: unknown. */
  readonly freeBytes: () => number | null;
  readonly activity: Activity;
}

/** How everything is, for people and programs that look now and then. */
export interface Status {
  readonly version: string;
  readonly startedAt: string;
  readonly now: string;
  readonly offline: boolean;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly problems: readonly string[];
  readonly listen: string;
  readonly requests: {
    readonly total: number;
    readonly byResult: Readonly<Record<CountedResult, number>>;
    /** Hits among all answers but errors, 0 to 1; null: there were none. */
    readonly hitRatio: number | null;
    readonly byteHitRatio: number | null;
  };
  readonly bytes: {
    readonly toClients: number;
    readonly fromUpstreams: number;
    readonly wasted: number;
    /** What clients got and no upstream had to give. */
    readonly saved: number;
  };
  readonly cache: {
    readonly bytes: number;
    readonly entries: number;
    readonly maxBytes: number | null;
    readonly freeBytes: number | null;
    readonly evictions: number;
  };
  readonly downloads: readonly ShownDownload[];
  readonly upstreams: readonly UpstreamStatus[];
  /** The newest first, at most 50. */
  readonly problemsSeen: readonly ShownProblem[];
}

/** One mirror. */
export interface UpstreamStatus {
  readonly name: string;
  /** The config lets no name and password into it. */
  readonly url: string;
  readonly state: UpstreamCounters["breaker"];
  readonly leftOut: boolean;
  readonly asked: number;
  readonly won: number;
  readonly lost: number;
  readonly failed: UpstreamCounters["failed"];
  /** Running means; null: unknown. */
  readonly headMs: number | null;
  readonly bytesPerSecond: number | null;
  readonly bytesReceived: number;
  readonly bytesWasted: number;
  readonly lastFailure: { readonly at: string; readonly reason: string } | null;
}

/** @param problems Why the proxy cannot do its work now; empty when it can. */
export function statusOf(sources: StatusSources, problems: readonly string[]): Status {
  const { version, startedAt, now, activity, storage } = sources;
  const counters = sources.upstreamCounters();
  const usage = storage.usage();
  return {
    version,
    startedAt: isoOf(startedAt),
    now: isoOf(now()),
    offline: sources.isOffline(),
    ready: problems.length === 0,
    problems,
    listen: sources.listen(),
    requests: requestsOf(sources.counters),
    bytes: bytesOf(sources.counters, Object.values(counters)),
    cache: {
      bytes: usage.bytes,
      entries: usage.entries,
      maxBytes: sources.maxBytes(),
      freeBytes: sources.freeBytes(),
      evictions: storage.evicted.count,
    },
    downloads: activity.downloads().map(shownDownload),
    upstreams: sources.upstreams().map((it) =>
      upstreamStatus(it, counters[it.name] ?? null, sources.scoreOf(it.name))
    ),
    problemsSeen: activity.problems().map(shownProblem),
  };
}

function requestsOf({ tallies }: ServerCounters): Status["requests"] {
  const counts = mapped(tallies, ({ byClass }) => byClass.reduce((sum, count) => sum + count, 0));
  const bytes = mapped(tallies, (tally) => tally.bytes);
  return {
    total: Object.values(counts).reduce((sum, count) => sum + count, 0),
    byResult: counts,
    hitRatio: hitRatio(counts),
    byteHitRatio: hitRatio(bytes),
  };
}

function bytesOf(
  { tallies }: ServerCounters,
  upstreams: readonly UpstreamCounters[],
): Status["bytes"] {
  const toClients = Object.values(tallies).reduce((sum, { bytes }) => sum + bytes, 0);
  const fromUpstreams = upstreams.reduce((sum, it) => sum + it.bytesReceived, 0);
  const wasted = upstreams.reduce((sum, it) => sum + it.bytesWasted, 0);
  return { toClients, fromUpstreams, wasted, saved: Math.max(0, toClients - fromUpstreams) };
}

function mapped(
  tallies: ServerCounters["tallies"],
  valueOf: (tally: Tally) => number,
): Record<CountedResult, number> {
  const values = Object.entries(tallies).map(([result, tally]) => [result, valueOf(tally)]);
  return Object.fromEntries(values);
}

function hitRatio(values: Readonly<Record<CountedResult, number>>): number | null {
  const hits = HITS.reduce((sum, result) => sum + values[result], 0);
  const all = Object.values(values).reduce((sum, value) => sum + value, 0) - values.NONE;
  return all === 0 ? null : hits / all;
}

function upstreamStatus(
  { name, server }: { readonly name: string; readonly server: string },
  counters: UpstreamCounters | null,
  score: Pick<Score, "headMs" | "bytesPerSecond"> | null,
): UpstreamStatus {
  const last = counters?.lastFailure ?? null;
  return {
    name,
    url: server,
    state: counters?.breaker ?? "closed",
    leftOut: counters?.isLeftOut ?? false,
    asked: counters?.asked ?? 0,
    won: counters?.won ?? 0,
    lost: counters?.lost ?? 0,
    failed: counters?.failed ?? {},
    headMs: rounded(score?.headMs ?? null),
    bytesPerSecond: rounded(score?.bytesPerSecond ?? null),
    bytesReceived: counters?.bytesReceived ?? 0,
    bytesWasted: counters?.bytesWasted ?? 0,
    lastFailure: last === null
      ? null
      : { at: isoOf(last.at), reason: describeFailure(last.reason) },
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
