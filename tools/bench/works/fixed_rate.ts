import { makeHit } from "../make_hit.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import { OURS } from "../peers/ours.ts";
import type { Server } from "../server.ts";
import type { Work } from "../work.ts";
import { wrk, type WrkResult } from "../wrk.ts";

/** Each sends, waits for the answer, and then for its time. */
const CONNECTIONS = 256;

/** At full speed: enough to keep a server busy. */
const BUSY_CONNECTIONS = 32;

const WARM_UP_SECONDS = 2;

let perSecond = 0;

/**
 * Latency at half the rate that the base reaches. wrk has no fixed rate, but a pause before each
 * request: 0 to twice the mean, at random, so that connections do not march in step.
 */
export const fixedRateWork: Work = {
  name: "rate-4k",
  title: "Hit, 4 KiB, at half of nginx's top rate",
  isQuick: false,
  metrics: [
    { name: "p99Ms", title: "p99", unit: "ms", better: "less" },
    { name: "p50Ms", title: "p50", unit: "ms", better: "less" },
    { name: "perSecond", title: "requests/s", unit: "per second", better: "more" },
  ],
  base: NGINX,
  bars: [{ metric: "p99Ms", of: OURS, to: NGINX, rule: { kind: "ratio", atMost: 1.5 } }],
  contestants: ({ peers }) => Promise.resolve(peers),
  async prepare(server, bench) {
    await makeHit(server, bench, SIZES.kib4);
    await atFullSpeed(server, WARM_UP_SECONDS);
  },
  async begin(servers, bench) {
    const server = servers.get(NGINX) ?? servers.values().next().value;
    if (server === undefined) return;
    perSecond = (await atFullSpeed(server, bench.seconds)).perSecond / 2;
  },
  async measure(server, { seconds }) {
    const meanMs = CONNECTIONS / perSecond * 1000;
    const script = `delay = function() return math.random() * ${2 * meanMs} end`;
    const url = `${server.url}/${SIZES.kib4}/hit.deb`;
    const result = await wrk({ url, seconds, connections: CONNECTIONS, script });
    return { p99Ms: result.p99Ms, p50Ms: result.p50Ms, perSecond: result.perSecond };
  },
};

function atFullSpeed(server: Server, seconds: number): Promise<WrkResult> {
  const url = `${server.url}/${SIZES.kib4}/hit.deb`;
  return wrk({ url, seconds, connections: BUSY_CONNECTIONS });
}
