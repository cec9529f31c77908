import { join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { TestProxy } from "../../tests/support/test_proxy.ts";
import { madeUpHistory } from "./made_up_history.ts";
import { pacedMirror } from "./paced_mirror.ts";

const MIB = 1024 * 1024;

/** What the cache took before: what is in it and some more. */
const USUAL_CACHE_BYTES = 640 * MIB;

/** How long the mirrors are watched before a picture is taken, in milliseconds. */
const SCENE_MS = 5000;

/** What is in the cache already, and how often it was asked for. */
const CACHED: readonly [path: string, bytes: number, hits: number][] = [
  ["/debian/dists/stable/InRelease", 140_000, 41],
  ["/debian/dists/stable/main/binary-amd64/Packages.xz", 8_900_000, 8],
  ["/debian/pool/main/c/curl/curl_8.14.1-2_amd64.deb", 330_000, 25],
  ["/debian/pool/main/g/gcc-14/gcc-14_14.2.0-19_amd64.deb", 21_400_000, 2],
  ["/debian/pool/main/h/hello/hello_2.10-5_amd64.deb", 54_000, 3],
  ["/images/debian-13.2.0-amd64-netinst.iso", 410_000_000, 0],
  ["/npm/react/-/react-19.2.0.tgz", 520_000, 61],
  ["/npm/typescript/-/typescript-6.0.3.tgz", 4_300_000, 57],
  ["/python/numpy-2.3.4-cp313-manylinux_x86_64.whl", 16_600_000, 4],
  ["/python/requests-2.32.5-py3-none-any.whl", 64_000, 19],
  ["/README", 2_100, 8],
];

/** What is on its way. */
const UNDER_WAY: readonly [path: string, bytes: number][] = [
  ["/debian/pool/main/l/linux/linux-image-6.18-amd64_6.18.4-1_amd64.deb", 84 * MIB],
  ["/python/torch-2.10.0-cp313-manylinux_x86_64.whl", 160 * MIB],
];

/** A proxy between clients and mirrors that do what is to be seen. */
export class Scene implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #proxy: TestProxy;
  readonly #clients = new AbortController();
  readonly #running: Promise<unknown>[] = [];

  private constructor(parts: AsyncDisposableStack, proxy: TestProxy) {
    this.#parts = parts;
    this.#proxy = proxy;
  }

  /** Fills the cache of an empty data directory, and lets a month go by. */
  static async start(dataDir: string): Promise<Scene> {
    await fillCache(dataDir);
    const folder = join(dataDir, ".cache-proxy");
    await Deno.remove(join(folder, "scores.json"));
    const history = JSON.stringify(madeUpHistory(Date.now(), USUAL_CACHE_BYTES));
    await Deno.writeTextFile(join(folder, "history.json"), history);

    const parts = new AsyncDisposableStack();
    const mirror = (headMs: number, mibPerSecond: number, status = 200): string => {
      const how = { headMs, bytesPerSecond: mibPerSecond * MIB, status };
      return parts.use(pacedMirror(how, sizeOf)).url;
    };
    const proxy = await TestProxy.start({
      dataDir,
      version: manifest.version,
      upstreams: [
        { name: "campus", server: mirror(4, 4) },
        { name: "country", server: mirror(22, 2.5) },
        { name: "far-away", server: mirror(140, 1) },
        { name: "under-repair", server: mirror(9, 1, 503) },
      ],
      config: { cache: { "max-size": "1GiB", timeout: "3h" } },
    });
    parts.use(proxy);
    return new Scene(parts, proxy);
  }

  get url(): string {
    return this.#proxy.adminUrl;
  }

  /** Resolves when there is something to see. */
  async play(): Promise<void> {
    for (const [path, , hits] of CACHED) {
      for (let asked = 0; asked < hits; asked++) await this.#download(path);
    }
    for (const [path] of UNDER_WAY) this.#running.push(this.#download(path));
    this.#running.push(this.#download(UNDER_WAY[0]?.[0] ?? ""), this.#askOn());
    await later(SCENE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients.abort();
    await Promise.all(this.#running);
    await this.#parts.disposeAsync();
  }

  /** Of a class that has begun: a dozen small files a second. */
  async #askOn(): Promise<void> {
    const asked = CACHED.filter(([, bytes]) => bytes < MIB);
    for (let at = 0; !this.#clients.signal.aborted; at++) {
      const [path = ""] = asked[at % asked.length] ?? [];
      await this.#download(path);
      await later(80);
    }
  }

  async #download(path: string): Promise<void> {
    try {
      const { body } = await this.#proxy.fetch(path, { signal: this.#clients.signal });
      for await (const _ of body ?? []);
    } catch {
      // The scene is over.
    }
  }
}

async function fillCache(dataDir: string): Promise<void> {
  const how = { headMs: 0, bytesPerSecond: 1024 * MIB };
  await using mirror = pacedMirror(how, sizeOf);
  const upstreams = [{ name: "campus", server: mirror.url }];
  await using proxy = await TestProxy.start({ dataDir, upstreams });
  for (const [path] of CACHED) {
    await (await proxy.fetch(path)).body?.pipeTo(new WritableStream());
    await proxy.stored(path);
  }
}

function sizeOf(path: string): number {
  return [...CACHED, ...UNDER_WAY].find(([known]) => known === path)?.[1] ?? 0;
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
