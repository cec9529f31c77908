import { delay } from "../delay.ts";
import { SIZES } from "../origin.ts";
import { NGINX } from "../peers/nginx.ts";
import { OURS } from "../peers/ours.ts";
import type { Server } from "../server.ts";
import type { Work } from "../work.ts";

const CLIENTS = 50;

/** Of the slowest; each next one is so much faster that the last but one has about 200 MB/s. */
const LEAST_BYTES_PER_SECOND = 1_000_000;
const STEP = 1.12;

/** The slowest would take a quarter of an hour: all are left before that. */
const TIME_MS = 15_000;
const SAMPLE_EVERY_MS = 100;
const MIB = 1024 * 1024;

/** Memory while clients of all speeds fetch one large file that nobody has asked for before. */
export const slowClientsWork: Work = {
  name: "slow-50",
  title: `${CLIENTS} clients from 1 MB/s to full speed, one cold file of 1 GiB`,
  isQuick: false,
  metrics: [
    { name: "peakMib", title: "memory at most", unit: "MiB", better: "less" },
    { name: "served", title: "MiB served in 15 s", unit: "MiB", better: "more" },
  ],
  base: NGINX,
  bars: [{ metric: "peakMib", of: OURS, to: null, rule: { kind: "value", atMost: 256 } }],
  contestants: ({ peers }) => Promise.resolve(peers),
  prepare: () => Promise.resolve(),
  async measure(server, bench) {
    const url = `${server.url}/${SIZES.gib1}/${bench.unique()}.deb`;
    const clients = Array.from({ length: CLIENTS }, (_, index) => clientOf(url, index));
    const peak = await peakWhile(server, delay(TIME_MS));
    const outputs = await Promise.all(clients.map((client) => client.output()));
    const decoder = new TextDecoder();
    const served = outputs.reduce(
      (sum, { stdout }) => sum + Number(decoder.decode(stdout)) / MIB,
      0,
    );
    return { peakMib: peak / MIB, served };
  },
};

/** The last one has no limit. */
function clientOf(url: string, index: number): Deno.ChildProcess {
  const rate = Math.round(LEAST_BYTES_PER_SECOND * STEP ** index);
  const limit = index === CLIENTS - 1 ? [] : ["--limit-rate", String(rate)];
  const time = ["--max-time", String(TIME_MS / 1000)];
  const args = ["-s", "-o", "/dev/null", "-w", "%{size_download}", ...time, ...limit, url];
  return new Deno.Command("curl", { args, stdin: "null", stdout: "piped" }).spawn();
}

async function peakWhile(server: Server, end: Promise<void>): Promise<number> {
  let isOver = false;
  void end.then(() => isOver = true);
  let peak = 0;
  while (!isOver) {
    peak = Math.max(peak, server.residentBytes());
    await delay(SAMPLE_EVERY_MS);
  }
  return peak;
}
