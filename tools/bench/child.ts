import { delay } from "./delay.ts";
import { cpuSeconds, residentBytes, withDescendants } from "./proc.ts";
import type { Server } from "./server.ts";

/** How long a server has until it listens, and then to end by itself. */
const MAX_START_MS = 10_000;
const MAX_END_MS = 3_000;

const POLL_MS = 20;

/** As many open files as the system lets it have: ten thousand connections are some. */
const WITH_ALL_FILES = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"';

/** Of what a process said, the end. */
const MAX_SAID_CHARS = 4_000;

/**
 * Below those that the system gives to clients; also, apt-cacher-ng takes a port for a signed number
 * of 16 bits.
 */
const PORTS = { from: 20_000, to: 32_000 };

/** Those that run: they are to be ended whatever happens. */
const running = new Set<Child>();

/** How a process is started. */
export interface ChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server as a child process, ended with all that it has started. Linux only. */
export class Child implements Server {
  readonly #process: Deno.ChildProcess;
  readonly #said: Promise<void>;
  #text = "";
  #isOver = false;

  private constructor(process: Deno.ChildProcess, readonly url: string) {
    this.#process = process;
    running.add(this);
    this.#said = this.#listenTo(process.stderr);
    void process.status.then(() => this.#isOver = true);
  }

  /**
   * Resolves once the server accepts connections at the URL's port.
   *
   * @throws When it does not, with what it said.
   */
  static async start(options: ChildOptions, url: string): Promise<Child> {
    const { program, args, env = {} } = options;
    const process = new Deno.Command("sh", {
      args: ["-c", WITH_ALL_FILES, program, ...args],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const child = new Child(process, url);
    try {
      await child.#accepts(Number(new URL(url).port));
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw error;
    }
    return child;
  }

  get pid(): number {
    return this.#process.pid;
  }

  cpuSeconds(): number {
    return withDescendants(this.pid).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  }

  residentBytes(): number {
    return withDescendants(this.pid).reduce((sum, pid) => sum + residentBytes(pid), 0);
  }

  /** Ends it at once, with what it has started; for the end of the program. */
  kill(): void {
    for (const pid of this.#isOver ? [] : withDescendants(this.pid)) signal(pid, "SIGKILL");
    running.delete(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) {
      const all = withDescendants(this.pid);
      signal(this.pid, "SIGTERM");
      await Promise.race([this.#process.status, delay(MAX_END_MS)]);
      // Descendants that have outlived it are gone by their numbers, which are not given anew so soon.
      for (const pid of all) if (isThere(pid)) signal(pid, "SIGKILL");
      await this.#process.status;
    }
    await this.#said;
    running.delete(this);
  }

  async #accepts(port: number): Promise<void> {
    const deadline = performance.now() + MAX_START_MS;
    while (!await isAccepting(port)) {
      if (this.#isOver) throw new Error(`it ended by itself: ${await this.#report()}`);
      if (performance.now() > deadline) throw new Error(`it does not listen: ${this.#text.trim()}`);
      await delay(POLL_MS);
    }
  }

  async #report(): Promise<string> {
    await this.#said;
    return this.#text.trim();
  }

  async #listenTo(bytes: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of bytes) {
      this.#text = (this.#text + decoder.decode(chunk)).slice(-MAX_SAID_CHARS);
    }
  }
}

/** Ends all that run, at once. */
export function killAllChildren(): void {
  for (const child of running) child.kill();
}

/** The next port to look at. */
let nextPort = PORTS.from;

/**
 * A port of loopback that nobody listens at, another one each time.
 *
 * @throws When there is none.
 */
export function freePort(): number {
  while (nextPort < PORTS.to) {
    const port = nextPort++;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch {
      // Somebody has it.
    }
  }
  throw new Error(`Cannot find a free port below ${PORTS.to}`);
}

async function isAccepting(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

function isThere(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has gone by itself.
  }
}
