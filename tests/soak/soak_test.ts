import { assert, assertEquals } from "@std/assert";
import { diskUsage } from "../storage/disk_usage.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { LruModel } from "../support/lru_model.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { Random } from "../support/random.ts";

const MIB = 1024 * 1024;

/** How long it runs, in seconds; `deno task soak` gives it several minutes. */
const SECONDS = Number(Deno.env.get("SOAK_SECONDS") ?? 10);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 2 ** 31);

const KEYS = 4000;
const CLIENTS = 12;
const MAX_SIZE_BYTES = 64 * MIB;
/** Twelve different bodies of this and less are on their way at once, which no model knows of. */
const MAX_BODY_BYTES = MIB;
/** In a run of seconds a dozen requests decide, and memory is still settling. */
const IS_SHORT = SECONDS < 60;

/** How much worse than an exact LRU of the same size in the same run, as a share of its ratio. */
const MAX_HIT_LOSS = IS_SHORT ? 0.2 : 0.05;

/** How much more memory at the end than after a third of the time. */
const MAX_GROWTH = IS_SHORT ? 2 : 1.25;
const SAMPLE_MS = 50;

/** One body of random bytes, of which each key has a piece of its own. */
const NOISE = randomBytes(4 * MIB);

Deno.test(`${SECONDS} s of random clients on a cache that is too small`, async () => {
  say(`SEED=${SEED} repeats what is asked for`);
  const random = new Random(SEED);
  await using origin = new Origin(({ target }) => {
    const body = bodyOf(target);
    // Every third mirror does not say how long its files are.
    const stream = new Blob([body]).stream();
    return keyNumber(target) % 3 === 0
      ? new Response(stream)
      : new Response(body, { headers: { "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT" } });
  });
  await using program = await ProgramUnderTest.start({
    config: {
      upstream: [{ server: origin.url }],
      cache: { timeout: "never", "max-size": MAX_SIZE_BYTES },
    },
    maxLifeMs: (SECONDS + 60) * 1000,
  });
  const model = new LruModel(MAX_SIZE_BYTES);
  const counts = { requests: 0, hits: 0, modelHits: 0, aborted: 0 };
  const until = performance.now() + SECONDS * 1000;

  async function client(): Promise<void> {
    while (performance.now() < until) {
      const number = skewed(random);
      const path = `/${number % 40}/${number}.bin`;
      const body = bodyOf(path);
      const kind = random.below(20);
      counts.requests++;
      if (model.ask(path, body.byteLength)) counts.modelHits++;
      if (kind === 0) await leaveHalfWay(program, path, counts);
      else if (kind <= 2) await askForPart(program, path, body, random, counts);
      else await askForAll(program, path, body, counts);
    }
  }

  const samples: number[] = [];
  const sampler = setInterval(() => samples.push(diskUsage(program.dataDir)), SAMPLE_MS);
  const early: Promise<Resources> = after(SECONDS * 300).then(() => resources(program.pid));
  await Promise.all(Array.from({ length: CLIENTS }, client)).finally(() => clearInterval(sampler));
  const [before, later] = [await early, await resources(program.pid)];

  const worst = samples.reduce((most, bytes) => Math.max(most, bytes), 0);
  const [ratio, best] = [counts.hits / counts.requests, counts.modelHits / counts.requests];
  say(
    `${counts.requests} requests (${counts.aborted} left half way), hit ratio ` +
      `${ratio.toFixed(3)}, exact LRU ${best.toFixed(3)}; at most ` +
      `${(worst / MIB).toFixed(1)} of ${MAX_SIZE_BYTES / MIB} MiB in ${samples.length} samples; ` +
      `files ${before.files} then ${later.files}, memory ` +
      `${(before.memory / MIB).toFixed(0)} then ${(later.memory / MIB).toFixed(0)} MiB`,
  );
  assert(worst <= MAX_SIZE_BYTES, `${worst} bytes in use`);
  assert(ratio >= best * (1 - MAX_HIT_LOSS), `hit ratio ${ratio} instead of ${best}`);
  assert(worst > MAX_SIZE_BYTES / 2, "the limit was never near");
  assert(later.files <= before.files + CLIENTS * 3, "open files grow");
  assert(later.memory <= before.memory * MAX_GROWTH + 32 * MIB, "memory grows");
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
});

/** Small numbers are popular, like the files of a distribution. */
function skewed(random: Random): number {
  const share = random.below(2 ** 31) / 2 ** 31;
  return Math.floor(KEYS * share ** 2.5);
}

function keyNumber(path: string): number {
  return Number(/(\d+)\.bin$/.exec(path)?.[1]);
}

/** From some bytes to some hundred KiB, most of them small. */
function bodyOf(path: string): Uint8Array<ArrayBuffer> {
  const random = new Random(keyNumber(path));
  random.next();
  const share = random.below(2 ** 31) / 2 ** 31;
  const size = Math.floor(MAX_BODY_BYTES * share ** 4) + 1;
  const start = random.below(NOISE.byteLength - size);
  return NOISE.slice(start, start + size);
}

interface Counts {
  requests: number;
  hits: number;
  aborted: number;
}

function count(response: Response, counts: Counts): void {
  if (response.headers.get("x-cache") === "HIT") counts.hits++;
  else if (response.headers.get("x-cache") === "JOINED") counts.hits++;
}

async function askForAll(
  program: ProgramUnderTest,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  counts: Counts,
): Promise<void> {
  const response = await program.fetch(path);
  count(response, counts);
  assertEquals(response.status, 200);
  assertSameBytes(await response.bytes(), body);
}

async function askForPart(
  program: ProgramUnderTest,
  path: string,
  body: Uint8Array<ArrayBuffer>,
  random: Random,
  counts: Counts,
): Promise<void> {
  const start = random.below(body.byteLength);
  const end = start + random.below(body.byteLength - start);
  const response = await program.fetch(path, { headers: { range: `bytes=${start}-${end}` } });
  count(response, counts);
  assertEquals(response.status, 206);
  assertSameBytes(await response.bytes(), body.slice(start, end + 1));
}

async function leaveHalfWay(
  program: ProgramUnderTest,
  path: string,
  counts: Counts,
): Promise<void> {
  const response = await program.fetch(path);
  count(response, counts);
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  counts.aborted++;
}

interface Resources {
  /** Open files. */
  readonly files: number;
  /** Resident bytes. */
  readonly memory: number;
}

/** By way of other programs, since deno itself lets nobody read there who may not do everything. */
async function resources(pid: number): Promise<Resources> {
  const status = await outputOf("cat", [`/proc/${pid}/status`]);
  const files = await outputOf("ls", [`/proc/${pid}/fd`]);
  return {
    files: files.split("\n").length,
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
  };
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args: [...args], stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

/** To measure at a moment, not to wait for something. */
function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
