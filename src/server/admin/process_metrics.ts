import process from "node:process";
import type { BucketCounts } from "../../fill/buckets.ts";
import type { MetricSet } from "./metric_set.ts";

const MICROSECONDS_PER_SECOND = 1_000_000;

/** Adds what concerns the process, by the names that Prometheus' own libraries use. */
export function addProcessMetrics(set: MetricSet, loopDelay: () => BucketCounts): void {
  const startedAt = performance.timeOrigin / 1000;
  set.gauge(
    "process_start_time_seconds",
    "When the process was started, in seconds since the epoch",
    () => [[startedAt]],
  );
  set.counter("process_cpu_seconds_total", "Time on processors, in seconds", () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / MICROSECONDS_PER_SECOND]];
  });
  set.gauge(
    "process_resident_memory_bytes",
    "Memory that is resident, in bytes",
    () => [[Deno.memoryUsage().rss]],
  );
  set.gauge(
    "cache_proxy_heap_used_bytes",
    "Memory that the program's objects take, in bytes",
    () => [[Deno.memoryUsage().heapUsed]],
  );
  if (openFiles() !== null) {
    set.gauge("process_open_fds", "Open file descriptors", () => [[openFiles() ?? NaN]]);
  }
  set.histogram(
    "cache_proxy_event_loop_delay_seconds",
    "By how much timers came late, looked at ten times a second",
    () => [[loopDelay()]],
  );
}

/** null where the system does not say, or the program may not look: that takes all permissions. */
function openFiles(): number | null {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return null;
  }
}
