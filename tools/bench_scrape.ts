/**
 * Measures what a scrape of `/metrics` every second costs: the throughput of hits of 4 KiB with and
 * without it, in turns, so that what else goes on on this machine meets both. Needs wrk.
 *
 * Usage: deno task bench:scrape [ROUNDS [SECONDS]]
 *
 * @module
 */

import { isInstalled } from "../tests/tools/is_installed.ts";
import { ProgramUnderTest } from "../tests/support/program_under_test.ts";
import { BenchProcess, median, say } from "./bench/bench_process.ts";

/** Many: two turns of nothing but hits differ by up to a tenth on a machine that is shared. */
const DEFAULT_ROUNDS = 40;

/** Of one turn. */
const DEFAULT_SECONDS = 2;

const CONNECTIONS = 32;
const FILE_BYTES = 4096;

/** Mirrors, so that there are series as in a usual config. */
const MIRRORS = 3;

/** What the scrapes may cost, as a share of the throughput. */
const BAR = 0.02;

const SCRAPE_EVERY_MS = 1_000;
const MAX_LIFE_MS = 1_800_000;

/** Until compiled code runs, in seconds. */
const WARM_UP_SECONDS = 5;

/** Scrapes at once and then every second. */
class Scraper {
  readonly #admin: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #scrapes: Promise<number>[] = [];

  constructor(admin: string) {
    this.#admin = admin;
    const scrape = (): void => void this.#scrapes.push(this.#scrape());
    scrape();
    this.#timer = setInterval(scrape, SCRAPE_EVERY_MS);
  }

  /** How long each has taken, in milliseconds. */
  async stop(): Promise<number[]> {
    clearInterval(this.#timer);
    return await Promise.all(this.#scrapes);
  }

  async #scrape(): Promise<number> {
    const startedAt = performance.now();
    const response = await fetch(`${this.#admin}/metrics`);
    const text = await response.text();
    if (!text.includes("cache_proxy_requests_total")) throw new Error("Cannot scrape: no metrics");
    return performance.now() - startedAt;
  }
}

if (import.meta.main) Deno.exitCode = await main();

async function main(): Promise<number> {
  if (!await isInstalled("wrk")) {
    say("Cannot measure: wrk is not installed");
    return 1;
  }
  const rounds = Number(Deno.args[0] ?? DEFAULT_ROUNDS);
  const seconds = Number(Deno.args[1] ?? DEFAULT_SECONDS);
  await using stack = new AsyncDisposableStack();
  const upstream = [];
  for (let index = 0; index < MIRRORS; index++) {
    const args = [`127.0.0.${index + 1}`, "100000000"];
    const { url } = stack.use(await BenchProcess.start("rate_origin.ts", args));
    upstream.push({ server: url, name: `mirror-${index}` });
  }
  const program = stack.use(
    await ProgramUnderTest.start({
      config: { upstream, log: { requests: false } },
      maxLifeMs: MAX_LIFE_MS,
    }),
  );
  const admin = String((await program.line((line) => line["admin"] !== undefined))["admin"]);
  const url = `${program.url}/${FILE_BYTES}/hit.bin`;
  await (await fetch(url)).bytes();
  await program.stored(new URL(url).pathname);
  await throughput(url, WARM_UP_SECONDS);
  const without: number[] = [];
  const scraped: number[] = [];
  const ratios: number[] = [];
  let scrapeMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const measureScraped = async (): Promise<void> => {
      const scraper = new Scraper(admin);
      scraped.push(await throughput(url, seconds));
      scrapeMs = [...scrapeMs, ...await scraper.stop()];
    };
    const measureWithout = async (): Promise<void> => {
      without.push(await throughput(url, seconds));
    };
    // Neither is always the first of the two.
    const turns = [measureWithout, measureScraped];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    const [one, other] = [without.at(-1) ?? 0, scraped.at(-1) ?? 0];
    ratios.push(other / one);
    say(
      `  ${one.toFixed(0)} hits/s without, ${other.toFixed(0)} with  ${(other / one).toFixed(3)}`,
    );
  }
  say(`${scrapeMs.length} scrapes, median ${median(scrapeMs).toFixed(1)} ms under load`);
  // Of pairs that follow each other: what the machine does otherwise is in both.
  const ratio = median(ratios);
  const isReached = ratio >= 1 - BAR;
  say(
    `${isReached ? "PASS" : "FAIL"}  ${median(without).toFixed(0)} hits/s without, ` +
      `${median(scraped).toFixed(0)} with a scrape a second: ${ratio.toFixed(3)} ` +
      `at the median of the pairs (bar ${(1 - BAR).toFixed(2)})`,
  );
  return isReached ? 0 : 1;
}

/** Hits per second that wrk gets. */
async function throughput(url: string, seconds: number): Promise<number> {
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, url];
  const { stdout } = await new Deno.Command("wrk", { args }).output();
  const text = new TextDecoder().decode(stdout);
  const [, perSecond] = /Requests\/sec:\s+([\d.]+)/.exec(text) ?? [];
  if (perSecond === undefined || /Non-2xx/.test(text)) throw new Error(`Cannot measure: ${text}`);
  return Number(perSecond);
}
