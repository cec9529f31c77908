import { stringify } from "@std/yaml";
import { fromFileUrl, join } from "@std/path";
import { readLines } from "./lines.ts";
import { usualWorkers } from "./usual_workers.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** As in `deno task start`, and without a look at any registry. */
const RUN = [
  "run",
  "--frozen",
  "--cached-only",
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  join(ROOT, "main.ts"),
];

/** What the program would take its settings from, were it inherited. */
const CLEARED = /^(CONFIG|LOG_LEVEL|(HTTPS?|ALL|NO)_PROXY|(SENTRY|OTEL)_.*)$/i;

/** No test needs it for longer; what would wait for ever fails instead. */
const MAX_LIFE_MS = 120_000;

/** One line of the program's JSON log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** How the program is started. */
export interface ProgramOptions {
  /** The config file: its text, or what it holds. `listen` and `admin` default to loopback and port 0. */
  readonly config: string | Readonly<Record<string, unknown>>;
  /** Where the config file is to stand; without it in a folder that goes at the end. */
  readonly configFile?: string;
  /** Data directory, unless `config` names one; without it a new one, which goes at the end. */
  readonly dataDir?: string;
  /** Further flags. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For tests that take longer than others. */
  readonly maxLifeMs?: number;
}

/** What a program that ended by itself has left. */
export interface ProgramOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program with flags and environment until it ends by itself. */
export async function runProgram(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<ProgramOutput> {
  const { env = {}, ...rest } = options;
  const command = new Deno.Command(Deno.execPath(), programCommand(args, env, rest));
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The command line of the program, for tests that start it by way of another one. */
export function programArgs(args: readonly string[]): string[] {
  return [...RUN, ...args];
}

function programCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  rest: Deno.CommandOptions,
): Deno.CommandOptions {
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !CLEARED.test(name));
  return {
    args: programArgs(args),
    clearEnv: true,
    env: { NO_COLOR: "1", ...Object.fromEntries(inherited), ...env },
    stdin: "null",
    ...rest,
  };
}

/** The program as a process of its own, serving on a port that the system chose. */
export class ProgramUnderTest implements AsyncDisposable {
  /** All of the log so far: each line parsed, or as `{ text }` where it is no JSON. */
  readonly log: LogLine[] = [];
  /** Resolves when the process has gone and all of its output has been read. */
  readonly ended: Promise<{ readonly code: number; readonly signal: Deno.Signal | null }>;
  #stderr = "";
  #reloads = 0;
  #url: string | null = null;
  #isOver = false;
  #change = Promise.withResolvers<void>();
  readonly #child: Deno.ChildProcess;

  private constructor(
    child: Deno.ChildProcess,
    readonly dataDir: string,
    readonly configFile: string,
    ownDir: string,
    maxLifeMs: number,
  ) {
    this.#child = child;
    this.ended = this.#follow(ownDir, maxLifeMs);
  }

  /** Resolves once the program listens; rejects with its output when it ends before. */
  static async start(options: ProgramOptions): Promise<ProgramUnderTest> {
    const program = await ProgramUnderTest.spawn(options);
    await program.listening();
    return program;
  }

  /** Resolves when the process is there, whatever it is doing. */
  static async spawn(options: ProgramOptions): Promise<ProgramUnderTest> {
    const ownDir = await Deno.makeTempDir();
    const dataDir = options.dataDir ?? join(ownDir, "data");
    const configFile = options.configFile ?? join(ownDir, "config.yaml");
    await Deno.writeTextFile(configFile, configText(options.config, dataDir));
    const args = ["--config", configFile, ...options.args ?? []];
    const command = programCommand(args, options.env ?? {}, { stdout: "piped", stderr: "piped" });
    const child = new Deno.Command(Deno.execPath(), command).spawn();
    return new ProgramUnderTest(
      child,
      dataDir,
      configFile,
      ownDir,
      options.maxLifeMs ?? MAX_LIFE_MS,
    );
  }

  /** Resolves once the program listens; rejects with its output when it ends before. */
  async listening(): Promise<void> {
    const line = await this.line(({ url }) => url !== undefined);
    this.#url = String(line["url"]).replace("0.0.0.0", "127.0.0.1");
  }

  /** Base URL without a slash at its end. */
  get url(): string {
    if (this.#url === null) throw new Error("Cannot tell the URL: the program does not listen yet");
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** All that was written to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The lines of the access log so far. */
  get requests(): LogLine[] {
    return this.log.filter(({ logger }) => logger === "cache-proxy.access");
  }

  /** The first line of the log, past or to come, that fits; rejects when the program ends first. */
  async line(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (let next = 0;; next++) {
      while (next >= this.log.length) {
        if (this.#isOver) throw new Error(`Cannot find a line of the log:\n${this.#report()}`);
        await this.#change.promise;
      }
      const line = this.log[next];
      if (line !== undefined && fits(line)) return line;
    }
  }

  /** Resolves when the body of a key has been published; the log says so a moment later. */
  async stored(key: string): Promise<void> {
    await this.line((line) => line["key"] === key && String(line["message"]).startsWith("Stored"));
  }

  /** The text of a config file for this program's data directory. */
  configText(config: ProgramOptions["config"]): string {
    return configText(config, this.dataDir);
  }

  /**
   * Writes another config file and has it applied by SIGHUP. Resolves when the log tells what came
   * of it: with the line that does.
   */
  async reload(config: ProgramOptions["config"]): Promise<LogLine> {
    await Deno.writeTextFile(this.configFile, this.configText(config));
    this.kill("SIGHUP");
    return await this.reloaded(++this.#reloads);
  }

  /** Resolves when the log tells of so many attempts to apply a config file, with the last one. */
  async reloaded(times: number): Promise<LogLine> {
    let count = 0;
    return await this.line(({ logger, message }) =>
      logger === "cache-proxy.config" && /^(Applied|Nothing was changed)/.test(String(message)) &&
      ++count === times
    );
  }

  fetch(path: string, init?: RequestInit & { client?: Deno.HttpClient }): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** Sends a signal to the process alone. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The most memory that was ever resident, in bytes; null where the system does not say. */
  async peakMemory(): Promise<number | null> {
    // By way of another program, since deno itself lets nobody read there who may not do everything.
    const cat = new Deno.Command("cat", { args: [`/proc/${this.pid}/status`], stderr: "null" });
    const status = new TextDecoder().decode((await cat.output()).stdout);
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  }

  /** Kills what is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.kill("SIGKILL");
    await this.ended;
  }

  async #follow(
    ownDir: string,
    maxLifeMs: number,
  ): Promise<{ code: number; signal: Deno.Signal | null }> {
    const overdue = setTimeout(() => this.kill("SIGKILL"), maxLifeMs);
    const [{ code, signal }] = await Promise.all([
      this.#child.status,
      this.#readLog(),
      this.#readErrors(),
    ]);
    clearTimeout(overdue);
    this.#isOver = true;
    this.#stderr += signal === null ? "" : `\nThe program was ended by ${signal}`;
    this.#change.resolve();
    await Deno.remove(ownDir, { recursive: true });
    return { code, signal };
  }

  async #readLog(): Promise<void> {
    for await (const text of readLines(this.#child.stdout)) {
      this.log.push(parseLine(text));
      this.#change.resolve();
      this.#change = Promise.withResolvers<void>();
    }
  }

  async #readErrors(): Promise<void> {
    const decoded = this.#child.stderr.pipeThrough(new TextDecoderStream());
    for await (const text of decoded) this.#stderr += text;
  }

  #report(): string {
    return [...this.log.map((line) => JSON.stringify(line)), this.#stderr].join("\n");
  }
}

function configText(config: ProgramOptions["config"], dataDir: string): string {
  if (typeof config === "string") return config;
  return stringify({
    listen: { address: "127.0.0.1", port: 0 },
    admin: { port: 0 },
    workers: usualWorkers(),
    storage: { local: { path: dataDir } },
    ...config,
  });
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
