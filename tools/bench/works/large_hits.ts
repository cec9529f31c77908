import { curl } from "../curl.ts";
import { makeHit } from "../make_hit.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import { OURS } from "../peers/ours.ts";
import type { Server } from "../server.ts";
import type { Measures, Metric, Work } from "../work.ts";

/** One file of 1 GiB, by one client and by several. */
export const LARGE_METRICS: readonly Metric[] = [
  { name: "bytesPerSecond", title: "bytes/s", unit: "bytes per second", better: "more" },
  { name: "cpuPerGib", title: "CPU seconds per GiB", unit: "s", better: "less" },
];

/** A large file that is stored. */
export const largeHitWorks: readonly Work[] = [
  largeHit({ name: "hit-1g", title: "Hit, 1 GiB", clients: 1, isQuick: true }),
  largeHit({ name: "hit-1g-8", title: "Hit, 1 GiB, eight clients", clients: 8, isQuick: false }),
];

/** The same file for several clients at once: each is a process of curl with one connection. */
export async function fetchAtOnce(
  server: Server,
  url: string,
  clients: number,
): Promise<Measures> {
  const startedAt = performance.now();
  const before = server.cpuSeconds();
  const each = await Promise.all(Array.from({ length: clients }, () => curl(url)));
  const seconds = (performance.now() - startedAt) / 1000;
  const bytes = each.flat().reduce((sum, answer) => sum + answer.bytes, 0);
  if (bytes !== clients * SIZES.gib1) throw new Error(`Cannot measure: only ${bytes} bytes came`);
  return {
    bytesPerSecond: bytes / seconds,
    cpuPerGib: (server.cpuSeconds() - before) / (bytes / SIZES.gib1),
  };
}

function largeHit(options: {
  readonly name: string;
  readonly title: string;
  readonly clients: number;
  readonly isQuick: boolean;
}): Work {
  const { clients, ...rest } = options;
  return {
    ...rest,
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
      await curl(await makeHit(server, bench, SIZES.gib1));
    },
    measure: (server) => fetchAtOnce(server, `${server.url}/${SIZES.gib1}/hit.deb`, clients),
  };
}
