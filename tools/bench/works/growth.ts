import { join } from "@std/path";
import { Child, type ChildOptions, freePort } from "../child.ts";
import { delay } from "../delay.ts";
import { growDirectory, grownPath, grownPathInLua } from "../grown_directory.ts";
import { ours, oursCommand } from "../peers/ours.ts";
import type { Contestant, Server } from "../server.ts";
import type { Bench, Measures, Work } from "../work.ts";
import { wrk } from "../wrk.ts";

/** Entries of the index, the first is what the others are compared with. */
const THOUSAND = "1 thousand";
const MILLIONS = "2 million";
const SIZES: readonly (readonly [name: string, entries: number])[] = [
  [THOUSAND, 1_000],
  ["100 thousand", 100_000],
  [MILLIONS, 2_000_000],
];

/** The same files are asked for, however many there are besides. */
const ASKED_FOR = 1_000;

/** Few, so that latency is the program's and not that of a queue. */
const CONNECTIONS = 4;

/** From the first answer to the look at the memory. */
const REST_MS = 3_000;

const MAX_ANSWER_MS = 60_000;
const MIB = 1024 * 1024;

/** A data directory, with which the program is started anew each turn. */
interface Grown extends Server {
  readonly entries: number;
  /** Adds what a turn's program has used of the processor. */
  spend(seconds: number): void;
  command(): Promise<{ readonly options: ChildOptions; readonly url: string }>;
}

/** What it costs that much is stored. The pass that compares index and tree runs meanwhile. */
export const growthWork: Work<Grown> = {
  name: "growth",
  title: "Entries in the index",
  isQuick: false,
  metrics: [
    { name: "p50Ms", title: "p50 of hits", unit: "ms", better: "less" },
    {
      name: "anyP50Ms",
      title: "p50 over all entries",
      unit: "ms",
      better: "less",
    },
    {
      name: "startMs",
      title: "start to first answer",
      unit: "ms",
      better: "less",
    },
    { name: "restMib", title: "memory, idle", unit: "MiB", better: "less" },
    {
      name: "afterMib",
      title: "memory after hits",
      unit: "MiB",
      better: "less",
    },
  ],
  base: THOUSAND,
  bars: [
    {
      metric: "p50Ms",
      of: MILLIONS,
      to: THOUSAND,
      rule: { kind: "ratio", atMost: 1.1 },
    },
    {
      metric: "startMs",
      of: MILLIONS,
      to: null,
      rule: { kind: "value", atMost: 1_000 },
    },
    {
      metric: "restMib",
      of: MILLIONS,
      to: null,
      rule: { kind: "value", atMost: 400 },
    },
  ],
  contestants: async (bench) => {
    const version = await ours.version();
    return SIZES.map(([name, entries]): Contestant => (
      { name, version, start: () => grown(bench, entries) }
    ));
  },
  // Compiled code and the page cache: the first start after the files were made is none of interest.
  async prepare(server, bench) {
    await measure(server, { ...bench, seconds: 1 });
  },
  measure,
};

async function measure(server: Grown, { seconds }: Bench): Promise<Measures> {
  const { options, url } = await server.command();
  const startedAt = performance.now();
  await using program = await Child.start(options, url);
  await firstAnswer(url + grownPath(0));
  const startMs = performance.now() - startedAt;
  await delay(REST_MS);
  const restMib = program.residentBytes() / MIB;
  const load = (among: number) => hits(url, among, seconds);
  await load(ASKED_FOR);
  const { p50Ms } = await load(ASKED_FOR);
  const any = await load(server.entries);
  const afterMib = program.residentBytes() / MIB;
  server.spend(program.cpuSeconds());
  return { p50Ms, anyP50Ms: any.p50Ms, startMs, restMib, afterMib };
}

/** Files at random among the first so many. */
function hits(
  url: string,
  among: number,
  seconds: number,
): ReturnType<typeof wrk> {
  const script = `
request = function()
  local number = math.random(0, ${among - 1})
  return wrk.format("GET", ${grownPathInLua("number")})
end
`;
  return wrk({ url, seconds, connections: CONNECTIONS, script });
}

async function firstAnswer(url: string): Promise<void> {
  const response = await fetch(url, {
    signal: AbortSignal.timeout(MAX_ANSWER_MS),
  });
  await response.bytes();
  if (response.status !== 200) {
    throw new Error(`Cannot measure: status ${response.status}`);
  }
}

async function grown(bench: Bench, entries: number): Promise<Grown> {
  const folder = await Deno.makeTempDir({ dir: bench.folder });
  const dataDir = join(folder, "data");
  await growDirectory(dataDir, entries);
  let spent = 0;
  return {
    entries,
    url: "",
    spend(seconds) {
      spent += seconds;
    },
    cpuSeconds: () => spent,
    residentBytes: () => 0,
    async command() {
      const port = freePort();
      const place = {
        folder,
        dataDir,
        port,
        upstreams: bench.origin.urls,
        workers: 1,
      };
      return {
        options: await oursCommand(place),
        url: `http://127.0.0.1:${port}`,
      };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
