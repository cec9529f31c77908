import { curl } from "../curl.ts";
import { SIZES } from "../origin.ts";
import { OURS } from "../peers/ours.ts";
import type { Contestant } from "../server.ts";
import { spreadOf } from "../statistics.ts";
import type { Bench, Work } from "../work.ts";

/** Files of one turn, one after the other. */
const FILES = 200;

const ORIGIN = "origin";

/** How much later than from the origin itself the first byte of a file comes that is not stored. */
export const firstByteWork: Work = {
  name: "first-byte",
  title: "First byte of a miss, 1 MiB",
  isQuick: false,
  metrics: [
    { name: "firstByteMs", title: "first byte", unit: "ms", better: "less" },
    { name: "totalMs", title: "whole", unit: "ms", better: "less" },
  ],
  base: ORIGIN,
  bars: [{
    metric: "firstByteMs",
    of: OURS,
    to: ORIGIN,
    rule: { kind: "difference", atMost: 2 },
  }],
  contestants: (bench) => Promise.resolve([...bench.peers, origin(bench)]),
  async prepare(server, bench) {
    await curl(`${server.url}/${SIZES.mib1}/${bench.unique()}-[1-${FILES}].deb`);
  },
  async measure(server, bench) {
    const answers = await curl(`${server.url}/${SIZES.mib1}/${bench.unique()}-[1-${FILES}].deb`);
    return {
      firstByteMs: spreadOf(answers.map((it) => it.firstByteMs)).median,
      totalMs: spreadOf(answers.map((it) => it.totalMs)).median,
    };
  },
};

/** Without anybody in between; it runs already, and goes on. */
function origin(bench: Bench): Contestant {
  return {
    name: ORIGIN,
    version: "",
    start: () =>
      Promise.resolve({
        url: bench.origin.urls[0] ?? "",
        cpuSeconds: () => 0,
        residentBytes: () => 0,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
