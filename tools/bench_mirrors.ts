/**
 * Measures what bad mirrors cost: how much longer a cold file takes beside a silent, a resetting and
 * a slow mirror than from the good one alone, and how much longer a large one takes when the mirror
 * that gives it dies. Every part is in a process of its own, on this machine; what comes is compared
 * byte for byte.
 *
 * Usage: deno task bench:mirrors [ROUNDS]
 *
 * @module
 */

import { ProgramUnderTest } from "../tests/support/program_under_test.ts";
import { BenchProcess, median, say } from "./bench/bench_process.ts";
import type { Death } from "./bench/mortal_origin.ts";
import { isPattern } from "./bench/pattern.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What a mirror gives, in bytes per second, and how long it takes to its head. */
const GOOD = { bytesPerSecond: 100_000_000, headDelayMs: 20 };
const SLOW = { bytesPerSecond: 1_000_000, headDelayMs: 200 };

/** No later than the good one: what it is worth shows in its body only. */
const SLOW_BODY = { bytesPerSecond: 1_000_000, headDelayMs: 20 };

/** So that the first one wins where another one is to die. */
const LATER = { ...GOOD, headDelayMs: 40 };

/** Files; the smallest takes so short that ten times it say more than ten. */
const SIZES: readonly [bytes: number, times: number][] = [
  [100 * KIB, 10],
  [20 * MIB, 1],
  [200 * MIB, 1],
];
const DEFAULT_ROUNDS = 10;

/** How much longer a file may take beside bad mirrors. */
const BESIDE_BAR = 1.05;

const MORTAL_BYTES = 200 * MIB;
const DEATHS: readonly Death[] = ["reset", "stall", "short"];
const DEATH_SHARES = [0.1, 0.5, 0.99];

/** Runs of one kind of death, and of none; the median counts. */
const DEATH_ROUNDS = 3;
const STALL_TIMEOUT_MS = 2_000;
const DEATH_BAR = 1.05;

const MAX_LIFE_MS = 900_000;
const WARM_UP_BYTES = 64 * KIB;

/** Files before any that counts: compiled code and known mirrors, as in a program that runs. */
const WARM_UP_FILES = 20;

type Segments = "on" | "off";

/** A mirror as a process. */
interface Facts {
  readonly bytesPerSecond: number;
  readonly headDelayMs: number;
  readonly death?: Death;
}

/** One download. */
interface Run {
  readonly ms: number;
  /** null: whole, and every byte right. */
  readonly problem: string | null;
}

if (import.meta.main) Deno.exitCode = await main();

async function main(): Promise<number> {
  const rounds = Number(Deno.args[0] ?? DEFAULT_ROUNDS);
  const results = [
    await besideBadOnes("slow to its head and in its body", SLOW, rounds),
    await besideBadOnes("slow in its body only", SLOW_BODY, rounds),
    await winnersThatDie("off"),
    await winnersThatDie("on"),
  ];
  return results.every((it) => it) ? 0 : 1;
}

async function besideBadOnes(what: string, slow: Facts, rounds: number): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const facts = [{ ...GOOD, death: "stall" }, { ...GOOD, death: "reset" }, slow, GOOD] as const;
  const urls = await startMirrors(facts, stack);
  // The good one is named last: where nothing is known, the order of the config counts.
  const alone = stack.use(await startProxy(urls.slice(-1), "on"));
  const beside = stack.use(await startProxy(urls, "on"));
  say(`\nOne good mirror, one silent, one resetting, one ${what}; medians`);
  for (let at = 0; at < WARM_UP_FILES; at++) {
    for (const { url } of [alone, beside]) {
      await download(`${url}/${WARM_UP_BYTES}/warm-up-${at}.iso`);
    }
  }
  let isReached = true;
  for (const [size, times] of SIZES) {
    const taken: [alone: number[], beside: number[]] = [[], []];
    let problem: string | null = null;
    for (let round = 0; round < rounds * times; round++) {
      const path = `/${size}/${round}.iso`;
      const turns = [[alone, taken[0]], [beside, taken[1]]] as const;
      // Neither is always the first of the two.
      for (const [{ url }, into] of round % 2 === 0 ? turns : turns.toReversed()) {
        const run = await download(url + path);
        into.push(run.ms);
        problem ??= run.problem;
      }
    }
    const [one, four] = [median(taken[0]), median(taken[1])];
    const most = Math.max(...taken[1]);
    isReached = tell(
      `${sizeOf(size)} ×${String(taken[0].length).padStart(4)}  alone ${
        ms(one)
      }  beside the others ${ms(four)} (at most ${ms(most)})`,
      four / one,
      BESIDE_BAR,
      problem,
    ) && isReached;
  }
  return isReached;
}

async function winnersThatDie(segments: Segments): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const urls = await startMirrors([GOOD, LATER, LATER], stack);
  say(`\nThe winner of three dies, segments ${segments}; medians of ${DEATH_ROUNDS}`);
  const undisturbed = await medianRun(() => mortalRun(urls, segments, null));
  say(`      undisturbed ${ms(undisturbed.ms)}`);
  const barMs = undisturbed.ms * DEATH_BAR + STALL_TIMEOUT_MS;
  let isReached = undisturbed.problem === null;
  for (const how of DEATHS) {
    for (const share of DEATH_SHARES) {
      const run = await medianRun(() => mortalRun(urls, segments, { how, share }));
      const at = `${Math.round(share * 100)} %`.padStart(5);
      isReached = tell(
        `${how.padEnd(6)} at ${at}  ${ms(run.ms)} of ${ms(barMs)}`,
        run.ms / undisturbed.ms,
        barMs / undisturbed.ms,
        run.problem,
      ) && isReached;
    }
  }
  return isReached;
}

async function medianRun(run: () => Promise<Run>): Promise<Run> {
  const runs: Run[] = [];
  for (let round = 0; round < DEATH_ROUNDS; round++) runs.push(await run());
  const problem = runs.find((it) => it.problem !== null)?.problem ?? null;
  return { ms: median(runs.map((it) => it.ms)), problem };
}

/** With a program that knows nothing of the mirrors yet. */
async function mortalRun(
  urls: readonly string[],
  segments: Segments,
  death: { readonly how: Death; readonly share: number } | null,
): Promise<Run> {
  await using proxy = await startProxy(urls, segments);
  await download(`${proxy.url}/${WARM_UP_BYTES}/warm-up.iso`);
  const dieAt = death === null ? Infinity : Math.floor(MORTAL_BYTES * death.share);
  const run = await download(`${proxy.url}/${MORTAL_BYTES}/x.iso`, dieAt, async (winner) => {
    const response = await fetch(`${urls[Number(winner)]}/die/${death?.how}`);
    await response.body?.cancel();
  });
  for (const url of urls) await (await fetch(`${url}/live`)).body?.cancel();
  return run;
}

async function startMirrors(
  facts: readonly Facts[],
  stack: AsyncDisposableStack,
): Promise<string[]> {
  const urls: string[] = [];
  for (const [index, { bytesPerSecond, headDelayMs, death }] of facts.entries()) {
    const numbers = [bytesPerSecond, headDelayMs].map(String);
    const args = [`127.0.0.${index + 1}`, ...numbers, ...death === undefined ? [] : [death]];
    urls.push(stack.use(await BenchProcess.start("mortal_origin.ts", args)).url);
  }
  return urls;
}

async function startProxy(urls: readonly string[], segments: Segments): Promise<ProgramUnderTest> {
  return await ProgramUnderTest.start({
    config: {
      upstream: urls.map((server, index) => ({ server, name: String(index) })),
      race: { segments },
      fetch: { "stall-timeout": `${STALL_TIMEOUT_MS}ms` },
    },
    maxLifeMs: MAX_LIFE_MS,
  });
}

/** @param onDieAt Told of the mirror that won the race when so many bytes are here. */
async function download(
  url: string,
  dieAt = Infinity,
  onDieAt: (winner: string) => Promise<void> = () => Promise.resolve(),
): Promise<Run> {
  const size = Number(new URL(url).pathname.split("/")[1]);
  const startedAt = performance.now();
  let bytes = 0;
  let problem: string | null = null;
  let told: Promise<void> | null = null;
  try {
    const response = await fetch(url);
    if (response.status !== 200) problem = `status ${response.status}`;
    const winner = /detail="?(\w+)/.exec(response.headers.get("cache-status") ?? "")?.[1];
    for await (const chunk of response.body ?? []) {
      if (!isPattern(chunk, bytes)) problem ??= `wrong bytes after byte ${bytes}`;
      bytes += chunk.byteLength;
      if (bytes >= dieAt) told ??= onDieAt(winner ?? "");
    }
  } catch (error) {
    problem ??= `broke off at byte ${bytes}: ${error}`;
  }
  const elapsedMs = performance.now() - startedAt;
  await told;
  if (bytes !== size) problem ??= `${bytes} of ${size} bytes`;
  return { ms: elapsedMs, problem };
}

/** Prints one line; whether the bar is reached. */
function tell(what: string, ratio: number, bar: number, problem: string | null): boolean {
  const isReached = ratio <= bar && problem === null;
  const verdict = isReached ? "PASS" : "FAIL";
  const suffix = problem === null ? "" : `  ${problem}`;
  say(`${verdict}  ${what}  ${ratio.toFixed(3)} (bar ${bar.toFixed(3)})${suffix}`);
  return isReached;
}

function sizeOf(bytes: number): string {
  return (bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`).padStart(7);
}

function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`.padStart(8);
}
