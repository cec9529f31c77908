import { join } from "@std/path";
import type { Machine } from "./machine.ts";
import type { Measures } from "./work.ts";

/** What came of one work; raw figures, a list of rounds each. */
export interface Result {
  readonly work: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: Machine;
  /** Length of a turn under load. */
  readonly seconds: number;
  /** Processes or threads that serve. */
  readonly workers: number;
  readonly contestants: readonly ContestantResult[];
  /** Who takes no part, with the reason. */
  readonly skipped: Readonly<Record<string, string>>;
}

/** What came of one contestant. */
export interface ContestantResult {
  readonly name: string;
  readonly version: string;
  /** The figures of each round. */
  readonly rounds: readonly Measures[];
}

/** The figures of a metric, a round each; none where there are none. */
export function figuresOf(result: Result, contestant: string, metric: string): number[] {
  const rounds = result.contestants.find(({ name }) => name === contestant)?.rounds ?? [];
  return rounds.flatMap((it) => it[metric] ?? []);
}

/** Takes the place of what the folder has of the same work. */
export async function writeResult(folder: string, result: Result): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const text = JSON.stringify(result, null, 1).replaceAll(/\{[^{}[\]]*\}/g, oneLine);
  await Deno.writeTextFile(join(folder, `${result.work}.json`), `${text}\n`);
}

/** What the folder has of a work; null when it has nothing. */
export async function readResult(folder: string, work: string): Promise<Result | null> {
  try {
    return JSON.parse(await Deno.readTextFile(join(folder, `${work}.json`)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The figures of one round in one line, so that changes are seen. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
