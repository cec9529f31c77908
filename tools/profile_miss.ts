/**
 * Says where a miss spends its time: puts the program under a load of files that nobody has asked for
 * before, records a CPU profile meanwhile, and adds its self times up by function and by area. See
 * docs/profile.md. Linux; needs wrk. Usage: profile_miss.ts [BYTES [CONNECTIONS [SECONDS]]]
 *
 * @module
 */

import { join } from "@std/path";
import { stringify } from "@std/yaml";
import { programArgs } from "../tests/support/program_under_test.ts";
import { say } from "./bench/bench_process.ts";
import { Child, freePort } from "./bench/child.ts";
import { extendPath } from "./bench/is_there.ts";
import { startOrigin } from "./bench/origin.ts";
import { wrk } from "./bench/wrk.ts";

const WARM_UP_SECONDS = 15;
const MOST_SHOWN = 40;

/** What the recording itself takes. */
const PROFILER = "ext:deno_node/inspector.js";

/** Of a .cpuprofile, what is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

if (import.meta.main) {
  const [bytes = 4096, connections = 32, seconds = 3] = Deno.args.map(Number);
  await main(bytes, connections, seconds);
}

async function main(bytes: number, connections: number, seconds: number): Promise<void> {
  extendPath();
  const folder = await Deno.makeTempDir({ prefix: "profile-" });
  await Deno.chmod(folder, 0o755);
  try {
    const originFolder = join(folder, "origin");
    await Deno.mkdir(originFolder);
    await using origin = await startOrigin(originFolder);
    const [port, adminPort] = [freePort(), freePort()];
    const config = join(folder, "config.yaml");
    await Deno.writeTextFile(
      config,
      stringify({
        listen: { address: "127.0.0.1", port },
        admin: { port: adminPort, debug: true },
        storage: { local: { path: join(folder, "data") } },
        log: { requests: false },
        cache: { timeout: "24h", "max-size": "16GiB" },
        upstream: [{ server: origin.urls[0] }],
      }),
    );
    const command = { program: Deno.execPath(), args: programArgs(["--config", config]) };
    await using child = await Child.start(command, `http://127.0.0.1:${port}`);
    const load = (name: string, time: number) =>
      wrk({ url: child.url, seconds: time, connections, script: uniquePaths(bytes, name) });
    await load("warm", WARM_UP_SECONDS);
    const before = child.cpuSeconds();
    const measured = await load("measured", seconds);
    const perCpuSecond = measured.requests / (child.cpuSeconds() - before);
    const [{ requests }, profile] = await Promise.all([
      load("profiled", seconds + 1),
      cpuProfile(adminPort, seconds),
    ]);
    say(`${Math.round(measured.perSecond)} requests/s, ${Math.round(perCpuSecond)} a CPU second`);
    say(`${Math.round(1e6 / perCpuSecond)} µs of all threads a request\n`);
    report(profile, requests / (seconds + 1) * seconds);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function cpuProfile(port: number, seconds: number): Promise<Profile> {
  const url = `http://127.0.0.1:${port}/debug/cpu-profile?seconds=${seconds}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Cannot profile: ${response.status} ${await response.text()}`);
  return await response.json();
}

function report({ nodes, samples, timeDeltas }: Profile, requests: number): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const byFunction = new Map<string, number>();
  const byArea = new Map<string, number>();
  let busy = 0;
  samples.forEach((id, at) => {
    const frame = byId.get(id)?.callFrame;
    const name = frame?.functionName || "(anonymous)";
    if (frame === undefined || name === "(idle)" || frame.url === PROFILER) return;
    const micros = timeDeltas[at] ?? 0;
    busy += micros;
    const place = frame.url.replace(/^.*\/(src\/)/, "$1");
    add(byFunction, `${name} ${place}`, micros);
    add(byArea, areaOf(name, place), micros);
  });
  const show = (title: string, times: Map<string, number>): void => {
    say(`${title}: share, µs a request`);
    const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, MOST_SHOWN);
    for (const [what, micros] of sorted) {
      const share = (100 * micros / busy).toFixed(1).padStart(5);
      say(`${share} % ${(micros / requests).toFixed(1).padStart(7)}  ${what}`);
    }
    say("");
  };
  show("By area", byArea);
  show("By function, self time", byFunction);
}

function add(times: Map<string, number>, name: string, micros: number): void {
  times.set(name, (times.get(name) ?? 0) + micros);
}

function areaOf(name: string, place: string): string {
  const layer = /^src\/(\w+)\//.exec(place)?.[1];
  if (layer !== undefined) return `src/${layer}`;
  if (name.startsWith("(")) return name;
  if (name.startsWith("op_")) return `operations: ${name}`;
  return /^(?:ext|node):[^/]*/.exec(place)?.[0] ?? (place === "" ? `native: ${name}` : place);
}

function uniquePaths(bytes: number, name: string): string {
  return `
local count = 0
request = function()
  count = count + 1
  return wrk.format("GET", "/${bytes}/${name}-" .. count .. ".deb")
end
`;
}
