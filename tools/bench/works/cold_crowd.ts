import { curl } from "../curl.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import type { Work } from "../work.ts";

const CLIENTS = 100;

/** Many clients that want the same file at once, which nobody has asked for before. */
export const coldCrowdWork: Work = {
  name: "cold-100",
  title: `${CLIENTS} clients, one cold file of 10 MiB`,
  isQuick: false,
  metrics: [
    { name: "lastMs", title: "until all have it", unit: "ms", better: "less" },
    { name: "medianMs", title: "median client", unit: "ms", better: "less" },
    { name: "originRequests", title: "requests to the origin", unit: "count", better: "less" },
    { name: "residentMib", title: "memory after", unit: "MiB", better: "less" },
  ],
  base: NGINX,
  bars: [],
  contestants: ({ peers }) => Promise.resolve(peers),
  async prepare(server, bench) {
    await curl(`${server.url}/${SIZES.mib10}/${bench.unique()}.deb`);
  },
  async measure(server, bench) {
    const before = await bench.origin.requests();
    // The fragment is not sent: all are for the same file.
    const url = `${server.url}/${SIZES.mib10}/${bench.unique()}.deb#[1-${CLIENTS}]`;
    const flags = ["--parallel", "--parallel-immediate", "--parallel-max", String(CLIENTS)];
    const startedAt = performance.now();
    const answers = await curl(url, flags);
    const lastMs = performance.now() - startedAt;
    const whole = answers.filter(({ bytes }) => bytes === SIZES.mib10);
    if (whole.length !== CLIENTS) throw new Error(`Cannot measure: ${whole.length} have it`);
    const times = answers.map(({ totalMs }) => totalMs).toSorted((a, b) => a - b);
    return {
      lastMs,
      medianMs: times[CLIENTS / 2] ?? NaN,
      originRequests: await bench.origin.requests() - before,
      residentMib: server.residentBytes() / 2 ** 20,
    };
  },
};
