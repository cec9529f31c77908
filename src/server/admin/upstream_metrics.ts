import type { UpstreamCounters } from "../../fill/counters.ts";
import type { CountedBuckets, MetricSet, Sample } from "./metric_set.ts";

const BREAKER_STATES: readonly UpstreamCounters["breaker"][] = ["closed", "open", "half-open"];

/** Counters of upstreams by name: those that are configured and were asked. */
export type ReadCounters = () => Readonly<Record<string, UpstreamCounters>>;

/** Adds what concerns single upstreams; `upstream` is the name that the config gives one. */
export function addUpstreamMetrics(set: MetricSet, read: ReadCounters): void {
  addCounters(set, read);
  set.counter(
    "cache_proxy_upstream_failures_total",
    "Requests to an upstream that failed, by what was wrong",
    () =>
      Object.entries(read()).flatMap(([upstream, { failed }]) =>
        Object.entries(failed).map(([reason, count]): Sample => [count, { upstream, reason }])
      ),
  );
  set.gauge(
    "cache_proxy_upstream_breaker_state",
    "1 for the state that the breaker of an upstream is in, 0 for the others",
    () =>
      Object.entries(read()).flatMap(([upstream, { breaker }]) =>
        BREAKER_STATES.map((state): Sample => [breaker === state ? 1 : 0, { upstream, state }])
      ),
  );
  const buckets = (of: "headSeconds" | "bytesPerSecond") => (): CountedBuckets[] =>
    Object.entries(read()).map(([upstream, it]) => [it[of], { upstream }]);
  set.histogram(
    "cache_proxy_upstream_head_seconds",
    "How long heads of an upstream's answers took",
    buckets("headSeconds"),
  );
  set.histogram(
    "cache_proxy_upstream_throughput_bytes_per_second",
    "Rates of bodies from an upstream, those left out that are too short to tell",
    buckets("bytesPerSecond"),
  );
}

function addCounters(set: MetricSet, read: ReadCounters): void {
  const add = (name: string, help: string, valueOf: (it: UpstreamCounters) => number): void =>
    set.counter(
      `cache_proxy_upstream_${name}_total`,
      help,
      () => Object.entries(read()).map(([upstream, it]) => [valueOf(it), { upstream }]),
    );
  add("requests", "Requests that were sent to an upstream", (it) => it.asked);
  add("wins", "Answers of an upstream that were used", (it) => it.won);
  add("losses", "Requests that were given up since another upstream won", (it) => it.lost);
  add("received_bytes", "Bytes of bodies from an upstream", (it) => it.bytesReceived);
  add(
    "wasted_bytes",
    "Bytes of bodies from an upstream that did not win their race",
    (it) => it.bytesWasted,
  );
  add("takeovers_from", "Bodies of an upstream that others went on with", (it) => it.takeoversFrom);
  add("takeovers_to", "Bodies of others that an upstream went on with", (it) => it.takeoversTo);
  add(
    "digest_mismatches",
    "Bodies of an upstream that were not what the lists of digests say, and were not kept",
    (it) => it.digestMismatches,
  );
}
