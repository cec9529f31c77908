import { say } from "./bench_process.ts";
import { thisMachine } from "./machine.ts";
import { busySeconds } from "./proc.ts";
import type { ContestantResult, Result } from "./results.ts";
import type { Contestant, Server } from "./server.ts";
import type { Bench, Measures, Work } from "./work.ts";

/** One that takes part. */
interface Runner {
  readonly contestant: Contestant;
  readonly server: Server;
  readonly rounds: Measures[];
}

/** How much is run. */
export interface RunOptions {
  readonly rounds: number;
  readonly workers: number;
}

/** What each round has besides the work's own figures: see `measured`. */
export const COMMON_MEASURES = ["elapsedSeconds", "cpuSeconds", "coresBusy"] as const;

/**
 * Lets all contestants do the work in turns, in one order and in the other. Whoever fails is left
 * out with the reason; the others go on.
 */
export async function runWork(work: Work, bench: Bench, options: RunOptions): Promise<Result> {
  const machine = thisMachine();
  const date = new Date().toISOString();
  const skipped: Record<string, string> = {};
  await using stack = new AsyncDisposableStack();
  let runners: Runner[] = [];
  const without = (name: string, error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    skipped[name] = reason.split("\n")[0] ?? "";
    say(`  ${name} is left out: ${reason}`);
    runners = runners.filter(({ contestant }) => contestant.name !== name);
  };
  for (const contestant of await work.contestants(bench)) {
    try {
      const server = stack.use(await contestant.start());
      await work.prepare(server, bench);
      runners.push({ contestant, server, rounds: [] });
    } catch (error) {
      without(contestant.name, error);
    }
  }
  await work.begin?.(new Map(runners.map((it) => [it.contestant.name, it.server])), bench);
  for (let round = 0; round < options.rounds; round++) {
    // Nobody is always the first.
    for (const runner of round % 2 === 0 ? runners : runners.toReversed()) {
      try {
        runner.rounds.push(await measured(work, runner.server, bench));
      } catch (error) {
        without(runner.contestant.name, error);
      }
    }
  }
  const contestants = runners.map(({ contestant: { name, version }, rounds }): ContestantResult => (
    { name, version, rounds: rounds.map(rounded) }
  ));
  const { workers } = options;
  return { work: work.name, date, machine, seconds: bench.seconds, workers, contestants, skipped };
}

/** With the time, what the server used of the processor, and how many cores were busy with all. */
async function measured(work: Work, server: Server, bench: Bench): Promise<Measures> {
  const startedAt = performance.now();
  const [cpu, busy] = [server.cpuSeconds(), busySeconds()];
  const measures = await work.measure(server, bench);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  return {
    ...measures,
    elapsedSeconds,
    cpuSeconds: server.cpuSeconds() - cpu,
    coresBusy: (busySeconds() - busy) / elapsedSeconds,
  };
}

/** To what means something. */
function rounded(measures: Measures): Measures {
  return Object.fromEntries(
    Object.entries(measures).map(([name, it]) => [name, Number(it.toPrecision(5))]),
  );
}
