import { SIZES } from "../origin.ts";
import { makeHit } from "../make_hit.ts";
import { NGINX } from "../peers/nginx.ts";
import { OURS } from "../peers/ours.ts";
import type { Server } from "../server.ts";
import type { Bar, Measures, Metric, Work } from "../work.ts";
import { wrk } from "../wrk.ts";

/** Connections of one client program: enough to keep a server busy. */
const CONNECTIONS = 32;

const WARM_UP_SECONDS = 2;

/** What wrk tells, and what the server paid for it. */
export const WRK_METRICS: readonly Metric[] = [
  { name: "perSecond", title: "requests/s", unit: "per second", better: "more" },
  { name: "perCpuSecond", title: "requests per CPU second", unit: "per second", better: "more" },
  { name: "p50Ms", title: "p50", unit: "ms", better: "less" },
  { name: "p99Ms", title: "p99", unit: "ms", better: "less" },
];

const AS_FAST_AS_NGINX: readonly Bar[] = [
  { metric: "perSecond", of: OURS, to: NGINX, rule: { kind: "ratio", atLeast: 1 } },
];

/** How requests of a work are made. */
interface HitsOptions {
  readonly name: string;
  readonly title: string;
  readonly bytes: number;
  readonly isQuick?: boolean;
  readonly bars?: readonly Bar[];
  readonly connections?: number;
  readonly script?: string;
  /** Fields of the requests, and the status that is right. */
  readonly headers?: (url: string) => Promise<Readonly<Record<string, string>>>;
  readonly status?: number;
}

/** Small files that are stored, again and again, as fast as they are given. */
export const hitWorks: readonly Work[] = [
  hits({
    name: "hit-4k",
    title: "Hit, 4 KiB",
    bytes: SIZES.kib4,
    isQuick: true,
    bars: AS_FAST_AS_NGINX,
  }),
  hits({
    name: "hit-64k",
    title: "Hit, 64 KiB",
    bytes: SIZES.kib64,
    isQuick: true,
    bars: AS_FAST_AS_NGINX,
  }),
  hits({ name: "hit-1m", title: "Hit, 1 MiB", bytes: SIZES.mib1 }),
  hits({
    name: "hit-4k-new",
    title: "Hit, 4 KiB, a new connection each",
    bytes: SIZES.kib4,
    headers: () => Promise.resolve({ connection: "close" }),
  }),
  hits({
    name: "hit-304",
    title: "304 to If-None-Match",
    bytes: SIZES.kib4,
    isQuick: true,
    bars: AS_FAST_AS_NGINX,
    status: 304,
    headers: async (url) => {
      const response = await fetch(url);
      await response.body?.cancel();
      return { "if-none-match": response.headers.get("etag") ?? "" };
    },
  }),
  hits({
    name: "hit-range",
    title: "Ranges of 1 MiB of a 1 GiB file",
    bytes: SIZES.gib1,
    connections: 8,
    status: 206,
    headers: () => Promise.resolve({ range: "bytes=1048576-2097151" }),
    script: `
request = function()
  local at = math.random(0, 1022) * 1048576
  wrk.headers["range"] = "bytes=" .. at .. "-" .. (at + 1048575)
  return wrk.format()
end
`,
  }),
];

function hits(options: HitsOptions): Work {
  const { name, title, bytes, isQuick = false, bars = [], connections = CONNECTIONS } = options;
  const { script = "", status = 200, headers: fieldsOf } = options;
  const fields = new Map<Server, Readonly<Record<string, string>>>();
  const load = (server: Server, seconds: number) =>
    wrk({
      url: `${server.url}/${bytes}/hit.deb`,
      seconds,
      connections,
      headers: fields.get(server) ?? {},
      script,
    });
  return {
    name,
    title,
    isQuick,
    metrics: WRK_METRICS,
    base: NGINX,
    bars,
    contestants: ({ peers }) => Promise.resolve(peers),
    async prepare(server, bench) {
      const url = await makeHit(server, bench, bytes);
      const headers = await fieldsOf?.(url) ?? {};
      fields.set(server, headers);
      const response = await fetch(url, { headers });
      await response.body?.cancel();
      if (response.status !== status) throw new Error(`Cannot measure: status ${response.status}`);
      await load(server, WARM_UP_SECONDS);
    },
    async measure(server, { seconds }): Promise<Measures> {
      const before = server.cpuSeconds();
      const { perSecond, p50Ms, p99Ms, requests } = await load(server, seconds);
      return { perSecond, perCpuSecond: requests / (server.cpuSeconds() - before), p50Ms, p99Ms };
    },
  };
}
