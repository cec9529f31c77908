import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  run,
  say,
  sha256,
  summary,
  withoutMirrors,
  withProxy,
} from "./machine.ts";

Deno.test("go mod download runs through the proxy, the second time from the cache", async () => {
  if (!await isInstalled("go", "version")) return say("go: skipped, it is not there");
  const registry = (await mustRun("go", ["env", "GOPROXY"])).split(/[,|]/)[0]?.trim() ?? "";
  if (!/^https?:/.test(registry)) return say(`go: skipped, GOPROXY begins with "${registry}"`);
  const direct = await firstAvailable(registry);
  if (direct === null) return say("go: skipped, its registry delivers nothing");

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: registry, path: { match: "^/go/(.*)", replace: "/$1" } }];
  const through = (url: string): Promise<Module> => download(`${url}/go`, direct.name);
  const cold = await withProxy(upstream, dataDir, through);
  say(`go, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, direct);

  const warm = await withProxy(upstream, dataDir, through);
  say(`go, warm: ${summary(warm.requests)}`);
  assertEquals(warm.result, direct);
  const files = warm.requests.filter(({ path }) => /\.(zip|mod|info)$/.test(String(path)));
  assert(files.length > 0);
  assertEquals(notFromCache(files), []);

  const alone = await withoutMirrors(dataDir, through);
  say(`go, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, direct);
});

interface Module {
  /** Path and version: `path@v1.2.3`. */
  readonly name: string;
  /** As `go.sum` has it. */
  readonly sum: string;
  readonly zipHash: string;
}

/** One of the modules that this machine's go itself is made of, straight from the registry. */
async function firstAvailable(registry: string): Promise<Module | null> {
  const root = (await mustRun("go", ["env", "GOROOT"])).trim();
  const file = join(root, "src/cmd/go.mod");
  const text = await Deno.readTextFile(file).catch(() => "");
  for (const [, path, version] of text.matchAll(/^\t(\S+) (v\d+\.\d+\.\d+)$/gm)) {
    const module = await download(registry, `${path}@${version}`).catch(() => null);
    if (module !== null) return module;
  }
  return null;
}

/** Runs a client that knows nothing yet. */
async function download(registry: string, name: string): Promise<Module> {
  await using folder = await tempDir();
  const env = {
    GOPROXY: registry,
    GOPATH: join(folder.path, "path"),
    GOMODCACHE: join(folder.path, "modules"),
    GOCACHE: join(folder.path, "cache"),
    // Otherwise its files could not be removed.
    GOFLAGS: "-modcacherw",
    GOENV: "off",
    GOTOOLCHAIN: "local",
    // The hashes are compared with the registry's own; its database of sums is another server.
    GOSUMDB: "off",
    NO_PROXY: "127.0.0.1",
  };
  const { code, stdout, stderr } = await run("go", ["mod", "download", "-json", name], {
    cwd: folder.path,
    env,
  });
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  const { Sum: sum, Zip: zip } = JSON.parse(stdout);
  return { name, sum, zipHash: await sha256(zip) };
}
