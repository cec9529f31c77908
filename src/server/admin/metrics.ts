import type { UpdateCounts } from "../update_prefetch.ts";
import type { BucketCounts } from "../../fill/buckets.ts";
import type { Usage } from "../../storage/storage.ts";
import type { ServerCounters, Tally } from "../server_counters.ts";
import { MetricSet, type Sample } from "./metric_set.ts";
import { addProcessMetrics } from "./process_metrics.ts";
import { addUpstreamMetrics, type ReadCounters } from "./upstream_metrics.ts";

/** Where metrics are read, at each scrape. */
export interface MetricSources {
  readonly version: string;
  readonly counters: ServerCounters;
  readonly upstreams: ReadCounters;
  /** Downloads and other questions to upstreams that are under way. */
  readonly fillsUnderWay: () => number;
  /** Clients that wait for a download that others began, or read it. */
  readonly joiners: () => number;
  /** What the cache may take of the disk; null: no limit. */
  readonly maxBytes: () => number | null;
  /** What the file system has left; null: unknown. */
  readonly freeBytes: () => number | null;
  /** Bodies on their way to clients. */
  readonly openBodies: () => number;
  /** Workers that serve clients now, and those that have died. */
  readonly workers: () => { readonly size: number; readonly deaths: number };
  /** Updates that were fetched ahead. */
  readonly updates: () => UpdateCounts;
  readonly storage: {
    usage(): Usage;
    readonly evicted: { readonly count: number; readonly bytes: number };
  };
  readonly loopDelay: () => BucketCounts;
}

/** All metrics. Label sets are bounded: results, classes of status, names of the config. */
export function createMetrics(sources: MetricSources): MetricSet {
  const set = new MetricSet();
  set.gauge(
    "cache_proxy_build_info",
    "1; the labels say what runs",
    () => [[1, { version: sources.version, deno: Deno.version.deno }]],
  );
  addRequestMetrics(set, sources);
  addStorageMetrics(set, sources);
  addUpstreamMetrics(set, sources.upstreams);
  addProcessMetrics(set, sources.loopDelay);
  set.gauge(
    "cache_proxy_serving_workers",
    "Workers that serve clients",
    () => [[sources.workers().size]],
  );
  set.counter(
    "cache_proxy_worker_deaths_total",
    "Serving workers that died, with their connections, and were replaced",
    () => [[sources.workers().deaths]],
  );
  set.counter(
    "cache_proxy_updates_fetched_total",
    "Updates of packages in use that were fetched ahead, or could not be",
    () => Object.entries(sources.updates()).map(([outcome, count]) => [count, { outcome }]),
  );
  return set;
}

function addRequestMetrics(set: MetricSet, sources: MetricSources): void {
  const { counters } = sources;
  const byResult = (valueOf: (tally: Tally) => number) => (): readonly Sample[] =>
    Object.entries(counters.tallies).map(([result, tally]) => [valueOf(tally), { result }]);
  set.counter(
    "cache_proxy_requests_total",
    "Answers to clients, by what the cache did (as in X-Cache) and the class of the status",
    () =>
      Object.entries(counters.tallies).flatMap(([result, { byClass }]) =>
        byClass.flatMap((count, digit): Sample[] =>
          digit === 0 ? [] : [[count, { result, status: `${digit}xx` }]]
        )
      ),
  );
  set.counter(
    "cache_proxy_sent_bytes_total",
    "Bytes of bodies to clients, by what the cache did",
    byResult(({ bytes }) => bytes),
  );
  set.counter(
    "cache_proxy_broken_transfers_total",
    "Bodies that clients did not get to their end, by what the cache did",
    byResult(({ broken }) => broken),
  );
  set.counter(
    "cache_proxy_negative_answers_total",
    "Errors that were remembered, so that no upstream was asked",
    () => [[counters.negative]],
  );
  set.gauge(
    "cache_proxy_transfers_active",
    "Bodies on their way to clients",
    () => [[sources.openBodies()]],
  );
  set.gauge(
    "cache_proxy_fills_active",
    "Downloads and other questions to upstreams that are under way",
    () => [[sources.fillsUnderWay()]],
  );
  set.gauge(
    "cache_proxy_joiners_active",
    "Clients that wait for a download that others began, or read it",
    () => [[sources.joiners()]],
  );
}

function addStorageMetrics(set: MetricSet, sources: MetricSources): void {
  const { storage, maxBytes, freeBytes } = sources;
  set.gauge(
    "cache_proxy_cache_size_bytes",
    "What the cache takes of the disk, unfinished files included",
    () => [[storage.usage().bytes]],
  );
  set.gauge("cache_proxy_cache_entries", "Copies in the cache", () => [
    [storage.usage().entries],
  ]);
  set.gauge(
    "cache_proxy_cache_limit_bytes",
    "What the cache may take of the disk; no series without a limit",
    () => optional(maxBytes()),
  );
  set.gauge(
    "cache_proxy_disk_free_bytes",
    "What the file system of the cache has left",
    () => optional(freeBytes()),
  );
  set.counter(
    "cache_proxy_evictions_total",
    "Copies that went to make room, or for being out of use",
    () => [[storage.evicted.count]],
  );
  set.counter(
    "cache_proxy_evicted_bytes_total",
    "What those copies took of the disk",
    () => [[storage.evicted.bytes]],
  );
}

function optional(value: number | null): readonly Sample[] {
  return value === null ? [] : [[value]];
}
