import { curl } from "../curl.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import { OURS } from "../peers/ours.ts";
import type { Server } from "../server.ts";
import type { Bench, Measures, Work } from "../work.ts";
import { wrk } from "../wrk.ts";
import { WRK_METRICS } from "./hits.ts";
import { fetchAtOnce, LARGE_METRICS } from "./large_hits.ts";

const WARM_UP_SECONDS = 2;

const PER_SECOND_OF_NGINX = {
  metric: "perSecond",
  of: OURS,
  to: NGINX,
  rule: { kind: "ratio", atLeast: 1 },
} as const;

/** Files that nobody has asked for before, each once. */
export const missWorks: readonly Work[] = [
  smallMiss({
    name: "miss-4k",
    title: "Miss, 4 KiB",
    bytes: SIZES.kib4,
    connections: 32,
    isQuick: true,
    bars: [PER_SECOND_OF_NGINX],
  }),
  smallMiss({
    name: "miss-1m",
    title: "Miss, 1 MiB",
    bytes: SIZES.mib1,
    connections: 8,
    isQuick: false,
    bars: [],
  }),
  {
    name: "miss-1g",
    title: "Miss, 1 GiB",
    isQuick: false,
    metrics: LARGE_METRICS,
    base: NGINX,
    bars: [{
      metric: "bytesPerSecond",
      of: OURS,
      to: NGINX,
      rule: { kind: "ratio", atLeast: 1 },
    }],
    contestants: ({ peers }) => Promise.resolve(peers),
    async prepare(server, bench) {
      await curl(`${server.url}/${SIZES.mib10}/${bench.unique()}.deb`);
    },
    measure: (server, bench) =>
      fetchAtOnce(server, `${server.url}/${SIZES.gib1}/${bench.unique()}.deb`, 1),
  },
];

function smallMiss(
  options: Pick<Work, "name" | "title" | "isQuick" | "bars"> & {
    readonly bytes: number;
    readonly connections: number;
  },
): Work {
  const { bytes, connections, ...rest } = options;
  const load = (server: Server, bench: Bench, seconds: number) =>
    wrk({
      url: server.url,
      seconds,
      connections,
      script: uniquePaths(`${new URL(server.url).pathname.replace(/\/$/, "")}/${bytes}`, bench),
    });
  return {
    ...rest,
    metrics: WRK_METRICS,
    base: NGINX,
    contestants: ({ peers }) => Promise.resolve(peers),
    async prepare(server, bench) {
      await load(server, bench, WARM_UP_SECONDS);
    },
    async measure(server, bench): Promise<Measures> {
      const before = server.cpuSeconds();
      const asked = await bench.origin.requests();
      const { perSecond, p50Ms, p99Ms, requests } = await load(server, bench, bench.seconds);
      const perCpuSecond = requests / (server.cpuSeconds() - before);
      const missed = await bench.origin.requests() - asked;
      if (missed < requests) {
        throw new Error(`Cannot measure misses: ${requests - missed} were hits`);
      }
      return { perSecond, perCpuSecond, p50Ms, p99Ms };
    },
  };
}

/** A path that was never asked for, with each request. */
function uniquePaths(prefix: string, bench: Bench): string {
  return `
local count = 0
request = function()
  count = count + 1
  return wrk.format("GET", "${prefix}/${bench.unique()}-" .. count .. ".deb")
end
`;
}
