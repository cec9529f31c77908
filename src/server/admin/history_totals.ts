import type { UpstreamCounters } from "../../fill/counters.ts";
import type { Usage } from "../../storage/storage.ts";
import type { ServerCounters, Tally } from "../server_counters.ts";
import type { HistoryValues } from "./history_ring.ts";
import { HITS } from "./status.ts";

/** Where a history is read. */
export interface HistorySources {
  readonly counters: ServerCounters;
  readonly upstreams: () => Readonly<Record<string, Pick<UpstreamCounters, "bytesReceived">>>;
  readonly storage: { usage(): Usage };
}

/** What has been counted since the program started. */
export function historyTotals({ counters, upstreams, storage }: HistorySources): HistoryValues {
  const all = Object.values(counters.tallies);
  return {
    requests: sumOf(all, answersOf),
    hits: sumOf(HITS.map((result) => counters.tallies[result]), answersOf),
    bytesToClients: sumOf(all, ({ bytes }) => bytes),
    bytesFromUpstreams: sumOf(Object.values(upstreams()), ({ bytesReceived }) => bytesReceived),
    cacheBytes: storage.usage().bytes,
  };
}

function answersOf({ byClass }: Tally): number {
  return sumOf(byClass, (count) => count);
}

function sumOf<Item>(items: readonly Item[], valueOf: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + valueOf(item), 0);
}
