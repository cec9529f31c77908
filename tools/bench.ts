/**
 * Runs the same work through this program and the servers that people would otherwise take, in turns
 * on this machine, and says how they stand to each other: see docs/benchmarks.md. It installs
 * nothing. Linux only; needs wrk and curl.
 *
 * @module
 */

import { fromFileUrl, join } from "@std/path";
import { say } from "./bench/bench_process.ts";
import { withOwnFolder } from "./bench/own_folder.ts";
import { installedPeers, oursAs } from "./bench/contestants.ts";
import { extendPath, isThere } from "./bench/is_there.ts";
import { type BenchOptions, parseOptions, USAGE } from "./bench/options.ts";
import { startOrigin } from "./bench/origin.ts";
import { PEERS } from "./bench/peers.ts";
import { OURS } from "./bench/peers/ours.ts";
import { readResult, type Result, writeResult } from "./bench/results.ts";
import { writeReport } from "./bench/report.ts";
import { runWork } from "./bench/run_work.ts";
import { barTable, type Measured, spreadText, workTable } from "./bench/table.ts";
import { LOSS_SHARE, regressionOf, verdictsOf } from "./bench/verdict.ts";
import type { Bench, Work } from "./bench/work.ts";
import { WORKS } from "./bench/works.ts";

const RESULTS = fromFileUrl(new URL("../bench/results", import.meta.url));
const DOCUMENTS = {
  document: fromFileUrl(new URL("../docs/benchmarks.md", import.meta.url)),
  readme: fromFileUrl(new URL("../README.md", import.meta.url)),
};

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    say(USAGE);
    return 0;
  }
  let options: BenchOptions;
  let works: Work[];
  try {
    options = parseOptions(args);
    works = worksOf(options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  extendPath();
  for (const program of ["wrk", "curl"]) {
    if (isThere(program)) continue;
    say(`Cannot measure: ${program} is not installed`);
    return 1;
  }
  return await withOwnFolder("bench-", (folder) => runAll(works, options, folder));
}

/** @throws {TypeError} When there is no such work. */
function worksOf({ only, isQuick }: BenchOptions): Work[] {
  for (const name of only ?? []) {
    if (WORKS.some((work) => work.name === name)) continue;
    const names = WORKS.map((work) => work.name).join(", ");
    throw new TypeError(`Cannot run "${name}": the works are ${names}`);
  }
  return WORKS.filter(({ name, isQuick: isForQuick }) =>
    only === null ? isForQuick || !isQuick : only.includes(name)
  );
}

async function runAll(
  works: readonly Work[],
  options: BenchOptions,
  folder: string,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const originFolder = join(folder, "origin");
  await Deno.mkdir(originFolder);
  const origin = stack.use(await startOrigin(originFolder));
  const ground = { folder, upstreams: origin.urls, workers: options.workers };
  const isWanted = (name: string): boolean => options.peers?.includes(name) ?? true;
  const all: Measured[] = [];
  for (const work of works) {
    const wanted = PEERS.filter(({ name }) =>
      options.isQuick ? name === OURS || name === work.base : isWanted(name)
    );
    let count = 0;
    const prefix = Date.now().toString(36);
    const bench: Bench = {
      origin,
      peers: await installedPeers(wanted, ground),
      ours: (it) => oursAs(it, ground),
      seconds: options.seconds,
      folder,
      unique: () => `${prefix}-${count++}`,
    };
    say(`\n${work.title} …`);
    const result = await runWork(work, bench, options);
    all.push([work, result]);
    say(workTable([work, result]));
    if (!options.isDry && !options.isQuick) await writeResult(RESULTS, result);
  }
  return options.isQuick ? await compare(all) : await report(all, options);
}

/** Says how the bars stand; missed ones do not fail the run, they are in the document. */
async function report(all: readonly Measured[], { isDry }: BenchOptions): Promise<number> {
  const verdicts = all.flatMap(([work, result]) => verdictsOf(work, result));
  if (verdicts.length > 0) say(`\n${barTable(verdicts)}`);
  if (!isDry) await writeReport(WORKS, RESULTS, DOCUMENTS);
  return 0;
}

/** Fails on a clear loss against what is committed. */
async function compare(all: readonly Measured[]): Promise<number> {
  say(`\nAgainst ${RESULTS}: a loss is beyond the spread and over ${LOSS_SHARE * 100} %`);
  let losses = 0;
  for (const [work, result] of all) {
    const committed: Result | null = await readResult(RESULTS, work.name);
    const found = committed === null ? null : regressionOf(work, OURS, committed, result);
    if (found === null) {
      say(`?     ${work.title}: nothing to compare with`);
      continue;
    }
    const { metric, before, now, isLoss } = found;
    losses += Number(isLoss);
    const verdict = isLoss ? "LOSS" : "ok  ";
    const ratios = `${spreadText(now)}, was ${spreadText(before)}`;
    say(`${verdict}  ${work.title}: ${metric.title} to ${work.base} ${ratios}`);
  }
  return losses === 0 ? 0 : 1;
}
