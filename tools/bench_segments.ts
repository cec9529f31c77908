/**
 * Measures what several mirrors give together: one cold file through the proxy with segments and
 * without, and by `aria2c` with the same mirrors where it is installed. Four mirrors of 10 MB/s for
 * each connection, every part in a process of its own, on this machine.
 *
 * Usage: deno task bench:segments
 *
 * @module
 */

import { join } from "@std/path";
import { ProgramUnderTest } from "../tests/support/program_under_test.ts";
import { BenchProcess, median, say } from "./bench/bench_process.ts";

const MIRRORS = 4;
const BYTES_PER_SECOND = 10_000_000;
const FILE_BYTES = 200 * 1024 * 1024;
const ROUNDS = 3;

/** Just large enough for segments: the time to the first byte is measured on these. */
const SMALL_FILE_BYTES = 16 * 1024 * 1024;
const FIRST_BYTE_ROUNDS = 9;
const WARM_UP_BYTES = 64 * 1024;

/** What the proxy with segments must give its client, in MB/s. */
const BAR_MBPS = 36;

/** How much later its first byte may come than without segments, in milliseconds. */
const FIRST_BYTE_SLACK_MS = 2;

const MAX_LIFE_MS = 300_000;

/** One download. */
interface Run {
  readonly mbps: number;
  readonly firstByteMs: number;
}

if (import.meta.main) Deno.exitCode = await main();

async function main(): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const urls: string[] = [];
  for (let index = 0; index < MIRRORS; index++) {
    // An address of its own: clients count their connections by host.
    const args = [`127.0.0.${index + 1}`, String(BYTES_PER_SECOND)];
    urls.push(stack.use(await BenchProcess.start("rate_origin.ts", args)).url);
  }
  const off = stack.use(await startProxy(urls, "off"));
  const on = stack.use(await startProxy(urls, "on"));
  const hasAria = await isThere("aria2c");
  say(`${MIRRORS} mirrors of ${BYTES_PER_SECOND / 1e6} MB/s, ${FILE_BYTES / 1024 ** 2} MiB\n`);
  // The first request of a process is not what is measured.
  for (const { url } of [off, on]) await download(url, WARM_UP_BYTES, "warm-up");
  const first: Record<"off" | "on", number[]> = { off: [], on: [] };
  for (let round = 0; round < FIRST_BYTE_ROUNDS; round++) {
    first.off.push((await download(off.url, SMALL_FILE_BYTES, `small-${round}`)).firstByteMs);
    first.on.push((await download(on.url, SMALL_FILE_BYTES, `small-${round}`)).firstByteMs);
  }
  const rates: Record<"off" | "on" | "aria", number[]> = { off: [], on: [], aria: [] };
  for (let round = 0; round < ROUNDS; round++) {
    rates.off.push((await download(off.url, FILE_BYTES, `large-${round}`)).mbps);
    rates.on.push((await download(on.url, FILE_BYTES, `large-${round}`)).mbps);
    if (hasAria) rates.aria.push(await byAria(urls));
  }
  const isReached = tell(first, rates);
  return isReached ? 0 : 1;
}

function tell(
  first: Record<"off" | "on", readonly number[]>,
  rates: Record<"off" | "on" | "aria", readonly number[]>,
): boolean {
  const [off, on, aria] = [median(rates.off), median(rates.on), median(rates.aria)];
  const [firstOff, firstOn] = [median(first.off), median(first.on)];
  say(`without segments   ${off.toFixed(1)} MB/s, first byte after ${firstOff.toFixed(1)} ms`);
  say(`with segments      ${on.toFixed(1)} MB/s, first byte after ${firstOn.toFixed(1)} ms`);
  say(
    aria === 0 ? "aria2c             not installed" : `aria2c             ${aria.toFixed(1)} MB/s`,
  );
  say("");
  say(`with / without segments       ${(on / off).toFixed(2)}`);
  if (aria > 0) say(`with segments / aria2c        ${(on / aria).toFixed(2)}`);
  say(`first byte, with / without    ${(firstOn / firstOff).toFixed(2)}`);
  const isReached = on >= BAR_MBPS && firstOn <= firstOff + FIRST_BYTE_SLACK_MS;
  say(`${isReached ? "reached" : "MISSED"}: ${BAR_MBPS} MB/s, first byte as early as without`);
  return isReached;
}

async function startProxy(
  urls: readonly string[],
  segments: "on" | "off",
): Promise<ProgramUnderTest> {
  return await ProgramUnderTest.start({
    config: {
      upstream: urls.map((server, index) => ({ server, name: `mirror-${index}` })),
      race: { segments, width: MIRRORS },
    },
    maxLifeMs: MAX_LIFE_MS,
  });
}

async function download(url: string, size: number, name: string): Promise<Run> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/${size}/${name}.iso`);
  let firstByteMs: number | null = null;
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    firstByteMs ??= performance.now() - startedAt;
    bytes += chunk.byteLength;
  }
  const ms = performance.now() - startedAt;
  if (bytes !== size) throw new Error(`Cannot measure: ${bytes} of ${size} bytes came`);
  return { mbps: bytes / ms / 1000, firstByteMs: firstByteMs ?? ms };
}

/** In MB/s. */
async function byAria(urls: readonly string[]): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "bench-segments-" });
  try {
    const startedAt = performance.now();
    const { success } = await new Deno.Command("aria2c", {
      args: [
        "--quiet",
        `--split=${MIRRORS}`,
        "--min-split-size=1M",
        "--file-allocation=none",
        "--dir",
        folder,
        ...urls.map((url) => `${url}/${FILE_BYTES}/file.iso`),
      ],
      stdin: "null",
    }).output();
    const ms = performance.now() - startedAt;
    const { size } = await Deno.stat(join(folder, "file.iso"));
    if (!success || size !== FILE_BYTES) throw new Error("Cannot measure: aria2c failed");
    return size / ms / 1000;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function isThere(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"] }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
