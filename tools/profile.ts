/**
 * Runs this program under load and says where the processor's time goes: see docs/profile.md. Linux
 * only; needs wrk and curl.
 *
 * @module
 */

import { join } from "@std/path";
import { say } from "./bench/bench_process.ts";
import { Child, freePort } from "./bench/child.ts";
import { extendPath, isThere } from "./bench/is_there.ts";
import { startOrigin } from "./bench/origin.ts";
import { withOwnFolder } from "./bench/own_folder.ts";
import { ours, oursCommand } from "./bench/peers/ours.ts";
import type { Bench, Measures, Work } from "./bench/work.ts";
import { WORKS } from "./bench/works.ts";
import { type CpuProfile, type Share, summaryOf } from "./profile/cpu_profile.ts";

/** Works that are looked at when none is named. */
const DEFAULT_WORKS = ["hit-4k", "hit-304", "hit-1g", "miss-4k"];

const USAGE = `Usage: deno task profile [OPTION]… [WORK]…

Works: ${DEFAULT_WORKS.join(", ")} (all of them), and the others of \`deno task bench\`.

  --seconds N    how long each profile is (5)
  --save FOLDER  keeps the profiles, for the tools of Chromium
`;

/** Lines of the tables; what is below has no say. */
const MAX_FUNCTIONS = 20;
const MIN_SHARE = 0.005;

interface Options {
  readonly works: readonly Work[];
  readonly seconds: number;
  readonly save: string | null;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const options = args.includes("--help") ? null : parseOptions(args);
  if (options === null || typeof options === "string") {
    say(options === null ? USAGE : `${options}\n\n${USAGE}`);
    return options === null ? 0 : 2;
  }
  extendPath();
  for (const program of ["wrk", "curl"]) {
    if (isThere(program)) continue;
    say(`Cannot make a profile: ${program} is not installed`);
    return 1;
  }
  await withOwnFolder("profile-", (folder) => profileAll(options, folder));
  return 0;
}

/** Or what is wrong with them. */
function parseOptions(args: readonly string[]): Options | string {
  const names: string[] = [];
  let seconds = 5;
  let save: string | null = null;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--seconds") seconds = Number(args[++at]);
    else if (word === "--save") save = args[++at] ?? null;
    else if (word.startsWith("-")) return `Cannot read the command line: unknown option "${word}"`;
    else names.push(word);
  }
  // The program looks for a minute at most.
  if (!(Number.isInteger(seconds) && seconds > 0 && seconds <= 60)) {
    return "Cannot read the command line: --seconds takes a whole number from 1 to 60";
  }
  const works: Work[] = [];
  for (const name of names.length === 0 ? DEFAULT_WORKS : names) {
    const work = WORKS.find((it) => it.name === name);
    if (work === undefined) return `Cannot profile "${name}": there is no such work`;
    works.push(work);
  }
  return { works, seconds, save };
}

async function profileAll({ works, seconds, save }: Options, folder: string): Promise<void> {
  const originFolder = join(folder, "origin");
  await Deno.mkdir(originFolder);
  await using origin = await startOrigin(originFolder);
  const prefix = Date.now().toString(36);
  let count = 0;
  const bench: Bench = {
    origin,
    peers: [],
    ours: () => Promise.reject(new Error("Cannot profile a work that starts programs by itself")),
    // Longer than the profile, which begins a moment later.
    seconds: seconds + 2,
    folder,
    unique: () => `${prefix}-${count++}`,
  };
  for (const work of works) await profile(work, bench, seconds, save);
}

/** Without a profiler first, which costs time itself; then with it. */
async function profile(
  work: Work,
  bench: Bench,
  seconds: number,
  save: string | null,
): Promise<void> {
  say(`\n#### ${work.title} (\`${work.name}\`), ${await ours.version()}\n`);
  const own = join(bench.folder, work.name);
  await Deno.mkdir(own);
  const [port, debugPort] = [freePort(), freePort()];
  const place = { folder: own, dataDir: join(own, "data"), port, workers: 1 };
  const upstreams = bench.origin.urls.slice(0, 1);
  const command = await oursCommand({ ...place, upstreams, debugPort });
  await using server = await Child.start(command, `http://127.0.0.1:${port}`);
  await work.prepare(server, bench);
  sayMeasures(work, await work.measure(server, bench));
  const answer = fetch(`http://127.0.0.1:${debugPort}/debug/cpu-profile?seconds=${seconds}`);
  let isOver = false;
  const recorded = answer.then((it) => it.text()).finally(() => isOver = true);
  // A turn may be shorter than the profile.
  do await work.measure(server, bench); while (!isOver);
  const text = await recorded;
  if (save !== null) {
    await Deno.mkdir(save, { recursive: true });
    await Deno.writeTextFile(join(save, `${work.name}.cpuprofile`), text);
  }
  saySummary(JSON.parse(text));
}

function sayMeasures({ metrics }: Work, measures: Measures): void {
  const told = metrics.map(({ name, title, unit }) => {
    const value = measures[name] ?? NaN;
    if (unit === "bytes per second") return `${Math.round(value / 2 ** 20)} MiB/s`;
    const figure = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
    return `${title} ${figure}${unit === "ms" || unit === "s" ? ` ${unit}` : ""}`;
  });
  say(`Without the profiler: ${told.join(", ")}.\n`);
}

function saySummary(recorded: CpuProfile): void {
  const { idle, areas, functions } = summaryOf(recorded);
  say(`Idle ${percent(idle)} of the time; of the rest:\n`);
  sayTable("area", areas);
  say("");
  sayTable("function, itself", functions.slice(0, MAX_FUNCTIONS));
}

function sayTable(title: string, shares: readonly Share[]): void {
  say(`| ${title} | share |\n| --- | --- |`);
  for (const { name, share } of shares) {
    if (share >= MIN_SHARE) say(`| ${name.replaceAll("|", "\\|")} | ${percent(share)} |`);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
