import { assertEquals } from "@std/assert";
import { type LogLine, ProgramUnderTest } from "../support/program_under_test.ts";

/** What a program of this machine has said. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program of this machine is run. */
export interface RunOptions {
  readonly cwd?: string;
  /** On top of the test's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program of this machine to its end. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Output> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", ...options });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs a program that must succeed; what it has said is the error's text if it does not. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  assertEquals(code, 0, `${program} ${args.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Whether a program is there and runs. */
export async function isInstalled(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await run(program, args)).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Why nothing can be had from a URL right now; null when something can. */
export async function unreachable(url: string): Promise<string | null> {
  try {
    const { body } = await fetch(url);
    await body?.cancel();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Said on the terminal, since a test that skips something looks like one that has passed. */
export function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** What a run of the proxy has to show. */
export interface ProxyRun<Result> {
  readonly result: Result;
  /** The lines of the access log, all of them. */
  readonly requests: readonly LogLine[];
}

/** Starts the proxy, lets `use` work with it, stops it and gives what it has logged. */
export async function withProxy<Result>(
  upstream: readonly Readonly<Record<string, unknown>>[],
  dataDir: string,
  use: (url: string) => Promise<Result>,
): Promise<ProxyRun<Result>> {
  await using program = await ProgramUnderTest.start({
    config: { upstream },
    dataDir,
    // The machine may know its registries by certificates of its own.
    env: { DENO_TLS_CA_STORE: "system,mozilla" },
  });
  const result = await use(program.url);
  program.kill("SIGTERM");
  assertEquals(await program.ended, { code: 0, signal: null });
  return { result, requests: program.requests };
}

/** Requests and bytes by what the cache did, for people: `HIT 3 (1234 kB)`. */
export function summary(requests: readonly LogLine[]): string {
  const sums = new Map<string, { count: number; bytes: number }>();
  for (const { cache, status, bytes } of requests) {
    const name = String(cache ?? status);
    const { count, bytes: before } = sums.get(name) ?? { count: 0, bytes: 0 };
    sums.set(name, { count: count + 1, bytes: before + Number(bytes) });
  }
  return [...sums].map(([name, { count, bytes }]) =>
    `${name} ${count} (${Math.ceil(bytes / 1000)} kB)`
  ).join(", ");
}

/** Paths of requests that were not answered from the cache alone. */
export function notFromCache(requests: readonly LogLine[]): unknown[] {
  return requests.filter(({ cache }) => cache !== "HIT").map(({ path }) => path);
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function sha256(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(file));
  return new Uint8Array(digest).toHex();
}
