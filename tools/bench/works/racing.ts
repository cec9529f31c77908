import { curl } from "../curl.ts";
import { SIZES } from "../origin.ts";
import { spreadOf } from "../statistics.ts";
import type { Bench, Work } from "../work.ts";

const ONE = "one upstream";
const FOUR = "four upstreams";

/** Files of a turn, one after the other. */
const SMALL_FILES = 300;
const LARGE_FILES = 20;

/** What it costs to ask several mirrors; here all are one and the same server. */
export const racingWork: Work = {
  name: "racing",
  title: "Miss, four upstreams instead of one",
  isQuick: false,
  metrics: [
    { name: "smallMs", title: "4 KiB", unit: "ms", better: "less" },
    { name: "largeMs", title: "10 MiB", unit: "ms", better: "less" },
  ],
  base: ONE,
  bars: ["smallMs", "largeMs"].map((metric) => (
    { metric, of: FOUR, to: ONE, rule: { kind: "ratio", atMost: 1.1 } }
  )),
  contestants: async (bench) => [
    await bench.ours({ name: ONE, upstreams: bench.origin.urls.slice(0, 1) }),
    await bench.ours({ name: FOUR, upstreams: bench.origin.urls }),
  ],
  async prepare(server, bench) {
    await fetchAll(server.url, bench);
  },
  measure: (server, bench) => fetchAll(server.url, bench),
};

async function fetchAll(url: string, bench: Bench): Promise<{ smallMs: number; largeMs: number }> {
  const word = bench.unique();
  const small = await curl(`${url}/${SIZES.kib4}/${word}-[1-${SMALL_FILES}].deb`);
  const large = await curl(`${url}/${SIZES.mib10}/${word}-[1-${LARGE_FILES}].deb`);
  return {
    smallMs: spreadOf(small.map(({ totalMs }) => totalMs)).median,
    largeMs: spreadOf(large.map(({ totalMs }) => totalMs)).median,
  };
}
