import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  run,
  say,
  sha256,
  summary,
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
  const upstream = [{ server: registry, preset: "go", at: "/go" }];
  const database = await checksumDatabase(registry);
  if (database === null) say("go: its registry passes no checksum database through");
  const through = async (url: string): Promise<Module> => {
    await versions(`${url}/go`, direct.name);
    return await download(`${url}/go`, direct.name, database);
  };
  const cold = await withProxy(upstream, dataDir, through);
  say(`go, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, direct);

  const warm = await withProxy(upstream, dataDir, through);
  say(`go, warm: ${summary(warm.requests)}`);
  assertEquals(warm.result, direct);
  const files = warm.requests.filter(({ path }) => /\.(zip|mod|info)$/.test(String(path)));
  assert(files.length > 0);
  assertEquals(notFromCache(files), []);

  const alone = await withoutUpstreams(upstream, dataDir, through);
  say(`go, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, direct);
  const asked = alone.requests.map(({ path }) => String(path));
  assertEquals(notFromCache(alone.requests), []);
  assert(asked.some((path) => path.endsWith("/@v/list")), asked.join());
  assertEquals(asked.some((path) => path.startsWith("/go/sumdb/")), database !== null);
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

/** The database that go would ask, if the registry passes it through; null: it does not. */
async function checksumDatabase(registry: string): Promise<string | null> {
  const name = (await mustRun("go", ["env", "GOSUMDB"], { env: { GOENV: "off", GOSUMDB: "" } }))
    .trim();
  try {
    const { ok, body } = await fetch(`${registry}/sumdb/${name}/supported`);
    await body?.cancel();
    return ok ? name : null;
  } catch {
    return null;
  }
}

/** Looks what versions there are, with a client that knows nothing yet. */
async function versions(registry: string, name: string): Promise<void> {
  await using folder = await tempDir();
  const env = environment(folder.path, registry, null);
  const path = name.replace(/@.*$/, "");
  await mustRun("go", ["list", "-m", "-versions", path], { cwd: folder.path, env });
}

function environment(
  folder: string,
  registry: string,
  database: string | null,
): Record<string, string> {
  return {
    GOPROXY: registry,
    GOPATH: join(folder, "path"),
    GOMODCACHE: join(folder, "modules"),
    GOCACHE: join(folder, "cache"),
    // Otherwise its files could not be removed.
    GOFLAGS: "-modcacherw",
    GOENV: "off",
    GOTOOLCHAIN: "local",
    GOSUMDB: database ?? "off",
    NO_PROXY: "127.0.0.1",
  };
}

/**
 * Runs a client that knows nothing yet.
 *
 * @param database By which it checks the sums; null: they are compared with the registry's own.
 */
async function download(
  registry: string,
  name: string,
  database: string | null = null,
): Promise<Module> {
  await using folder = await tempDir();
  const env = environment(folder.path, registry, database);
  const { code, stdout, stderr } = await run("go", ["mod", "download", "-json", name], {
    cwd: folder.path,
    env,
  });
  assertEquals(code, 0, `${stdout}\n${stderr}`);
  const { Sum: sum, Zip: zip } = JSON.parse(stdout);
  return { name, sum, zipHash: await sha256(zip) };
}
