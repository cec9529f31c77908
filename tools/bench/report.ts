import { dirname, join, relative } from "@std/path";
import { OURS } from "./peers/ours.ts";
import { BASE, plot } from "./plot.ts";
import { readResult } from "./results.ts";
import { barTable, besideBase, type Measured, overview, workTable } from "./table.ts";
import { verdictsOf } from "./verdict.ts";
import type { Work } from "./work.ts";

/** Between these lines the document is written anew. */
const BEGIN = "<!-- bench: begin -->";
const END = "<!-- bench: end -->";

/** Beside the document. */
const PLOT = "benchmarks.svg";

/** Where the report goes. */
export interface Documents {
  /** Takes all tables; the plot goes beside it. */
  readonly document: string;
  /** Takes a short table and shows the plot. */
  readonly readme: string;
}

/**
 * Writes the tables of all results into the documents, and the plot.
 *
 * @throws When one of them has no place for it.
 */
export async function writeReport(
  works: readonly Work[],
  results: string,
  { document, readme }: Documents,
): Promise<void> {
  const all: Measured[] = [];
  for (const work of works) {
    const result = await readResult(results, work.name);
    if (result !== null) all.push([work, result]);
  }
  const picture = join(dirname(document), PLOT);
  await replaceBetween(document, reportOf(all));
  await replaceBetween(readme, summaryOf(all, relative(dirname(readme), picture)));
  await Deno.writeTextFile(picture, plot(all));
  await format([results, document, readme, picture]);
}

async function replaceBetween(document: string, report: string): Promise<void> {
  const text = await Deno.readTextFile(document);
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot write ${document}: it has no place for it`);
  }
  const parts = [text.slice(0, begin + BEGIN.length), report, text.slice(end)];
  await Deno.writeTextFile(document, parts.join("\n\n"));
}

/** As the check of the project wants it. */
async function format(paths: readonly string[]): Promise<void> {
  await new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", ...paths],
  }).output();
}

/** Others are about us alone, in several forms. */
function comparedOf(all: readonly Measured[]): Measured[] {
  return all.filter(([, { contestants }]) => contestants.some(({ name }) => name === OURS));
}

function summaryOf(all: readonly Measured[], picture: string): string {
  const compared = comparedOf(all);
  const others = compared.filter(([{ base }]) => base === BASE);
  return [
    machineOf(compared),
    `![Ratios to nginx, ours and others'](${picture})`,
    besideBase(others, OURS),
  ].join("\n\n");
}

function reportOf(all: readonly Measured[]): string {
  const compared = comparedOf(all);
  const bars = barTable(
    all.flatMap(([work, result]) => verdictsOf(work, result)),
  );
  return [
    machineOf(compared),
    `![Ratios to nginx](${PLOT})`,
    "In brackets: the ratio to nginx, or to what the work is compared with. ↓: less is better. In the " +
    "plot, further to the right is better in any case.",
    overview(compared),
    "### What it must show",
    bars,
    "### Each work",
    ...all.map((it) => workTable(it).trim()),
  ].join("\n\n");
}

/** Of the last work; the file of each has its own. */
function machineOf(all: readonly Measured[]): string {
  const [, last] = all.toSorted(([, a], [, b]) => a.date.localeCompare(b.date)).at(-1) ?? [];
  if (last === undefined) return "Nothing was measured yet.";
  const { machine } = last;
  const loads = all.map(([, { machine: { load } }]) => load);
  const versions = new Map(
    all.flatMap(([, { contestants }]) => contestants)
      .filter(({ version }) => version !== "")
      .map(({ name, version }) => [name, version]),
  );
  return [
    `- ${last.date.slice(0, 10)}; ${machine.cores} cores (${machine.processor}), ` +
    `${(machine.memory / 2 ** 30).toFixed(0)} GiB, Linux ${machine.kernel}`,
    `- ${[...versions].map(([name, version]) => `${name} ${version}`).join(", ")}`,
    `- Load of the last minute when a work began: ${Math.min(...loads).toFixed(1)} to ` +
    Math.max(...loads).toFixed(1),
  ].join("\n");
}
