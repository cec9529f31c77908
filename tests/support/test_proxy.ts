import { assertEquals } from "@std/assert";
import { stringify } from "@std/yaml";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { type Proxy, startProxy } from "../../src/main/proxy.ts";
import { readCredentials } from "../../src/main/read_credentials.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import type { Clock } from "../../src/types.ts";
import { usualWorkers } from "./usual_workers.ts";

/** What a test says of its proxy; the rest are the program's defaults. */
export interface TestProxyOptions {
  /** As under `upstream` of the config file; a string stands for a server without more. */
  readonly upstreams: readonly (string | Readonly<Record<string, unknown>>)[];
  /** Further sections of the config file: `cache`, `misc`, `fetch`, … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
  /** By which the history is kept; without it the system's. */
  readonly historyClock?: Clock;
  /** From 0 up to but without 1; without it always a half. */
  readonly random?: () => number;
  /** An existing data directory; without it a new one, which goes with the proxy. */
  readonly dataDir?: string;
  /** Without it 0.0.0. */
  readonly version?: string;
  /** Extra keys of `storage.local`. */
  readonly local?: Readonly<Record<string, unknown>>;
}

/** The proxy of `main.ts` inside the test's process, on a port of its own. */
export class TestProxy implements AsyncDisposable {
  readonly #proxy: Proxy;
  readonly #ownDir: string | null;

  private constructor(proxy: Proxy, readonly dataDir: string, ownDir: string | null) {
    this.#proxy = proxy;
    this.#ownDir = ownDir;
  }

  static async start(options: TestProxyOptions): Promise<TestProxy> {
    const ownDir = options.dataDir === undefined ? await Deno.makeTempDir() : null;
    const dataDir = options.dataDir ?? ownDir ?? "";
    const config = configOf(options, dataDir);
    const clock = options.clock ?? systemClock;
    // One race in twenty would ask one mirror more.
    const random = options.random ?? (() => 0.5);
    const version = options.version ?? "0.0.0";
    // A test that lets months pass at once has no use for each ten seconds of them.
    const historyClock = options.historyClock ?? systemClock;
    const proxy = await startProxy(config, { version, clock, historyClock, random });
    return new TestProxy(proxy, dataDir, ownDir);
  }

  get port(): number {
    return this.#proxy.address.port;
  }

  /** Base URL of the admin listener, without a slash at its end. */
  get adminUrl(): string {
    return `http://127.0.0.1:${this.#proxy.adminAddress.port}`;
  }

  /** What became of the questions to each mirror. */
  get counters(): Proxy["counters"] {
    return this.#proxy.counters;
  }

  /** What happens in the filling plane. */
  get activity(): Proxy["activity"] {
    return this.#proxy.activity;
  }

  /** The workers that serve; null: there is one, which does all. */
  get workers(): Proxy["workers"] {
    return this.#proxy.workers;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Goes over to another config, as on SIGHUP; what takes a restart stays as it is. */
  reload(options: Pick<TestProxyOptions, "upstreams" | "config">): void {
    this.#proxy.reload(configOf(options, this.dataDir));
  }

  /** Absolute path of what the data directory holds at a relative one. */
  file(path: string): string {
    return join(this.dataDir, path);
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** Fetches and reads the body; fails when the transfer breaks. */
  async get(path: string, init?: RequestInit): Promise<{ response: Response; text: string }> {
    const response = await this.fetch(path, init);
    return { response, text: await response.text() };
  }

  /** Resolves when no download is under way: what was to be stored is stored. */
  settled(): Promise<void> {
    return this.#proxy.idle();
  }

  /** The same, and what is stored of lists of digests has been read. */
  async listsRead(): Promise<void> {
    await this.settled();
    await this.#proxy.listsRead();
  }

  /** Resolves when the key is stored. */
  async stored(key: string): Promise<void> {
    while (!this.storedKeys().includes(key)) {
      await new Promise<void>((resolve) => setTimeout(resolve));
    }
  }

  /** The keys that the index holds, in order. */
  storedKeys(): string[] {
    // The proxy has its index for itself. Nothing is written while this process copies it.
    const copy = Deno.makeTempDirSync();
    try {
      for (const { name } of Deno.readDirSync(this.file(".cache-proxy"))) {
        if (!/^index\.db(-wal)?$/.test(name)) continue;
        Deno.copyFileSync(this.file(`.cache-proxy/${name}`), join(copy, name));
      }
      const index = new DatabaseSync(join(copy, "index.db"));
      const rows = index.prepare("SELECT key FROM entries ORDER BY key").all();
      index.close();
      return rows.map((row) => String(row["key"]));
    } finally {
      Deno.removeSync(copy, { recursive: true });
    }
  }

  /** Paths of all files of the data directory but the index, relative to it, in order. */
  files(): string[] {
    return [...filesBelow(this.dataDir, "")].filter((path) => !OF_THE_STATE.test(path)).sort();
  }

  /** No file, finished or not, and no row in the index. */
  async assertNothingStored(): Promise<void> {
    await this.settled();
    assertEquals([this.files(), this.storedKeys()], [[], []]);
  }

  /** Cuts what is under way at once and removes the data directory if it is ours. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy.stop(0, AbortSignal.abort());
    if (this.#ownDir !== null) await Deno.remove(this.#ownDir, { recursive: true });
  }
}

/** Files of our own that are there without anything being stored. */
const OF_THE_STATE =
  /^\.cache-proxy\/((?:index|digests)\.db|lock|scores\.json|history\.json|unflushed\.json|partial\/mark\.|notes\/)/;

function* filesBelow(root: string, folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(root, folder))) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory) yield* filesBelow(root, path);
    else yield path;
  }
}

function configOf(options: TestProxyOptions, dataDir: string): Config {
  const { config } = loadConfig(configText(options, dataDir), () => undefined);
  return { ...config, upstreams: readCredentials(config).upstreams };
}

/** The config file of a test, as `main.ts` reads it. */
export function configText(options: TestProxyOptions, dataDir: string): string {
  return stringify({
    listen: { address: "127.0.0.1", port: 0 },
    admin: { port: 0 },
    workers: usualWorkers(),
    upstream: options.upstreams.map((u) => typeof u === "string" ? { server: u } : u),
    storage: { type: "local", local: { path: dataDir, ...options.local } },
    ...options.config,
  });
}
