import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  say,
  summary,
  unreachable,
  withoutMirrors,
  withProxy,
} from "./machine.ts";

/** Small, without dependencies, and never published again. */
const PACKAGE = "is-number";

Deno.test("npm install runs through the proxy, the second time from the cache", async () => {
  if (!await isInstalled("npm", "--version")) return say("npm: skipped, it is not there");
  const registry = (await mustRun("npm", ["config", "get", "registry"])).trim();
  const why = await unreachable(registry);
  if (why !== null) return say(`npm: skipped, its registry cannot be reached: ${why}`);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: registry.replace(/\/+$/, "") }];
  const cold = await withProxy(upstream, dataDir, install);
  say(`npm, cold: ${summary(cold.requests)}`);
  assertMatch(cold.result.integrity, /^sha512-/);
  // The link in the metadata names the registry. The client itself puts the proxy in its place, as
  // it does without being told where the registry is the one that npm is made for.
  const paths = cold.requests.map(({ path, cache }) => [path, cache]);
  assert(paths.some(([path, cache]) => path === `/${PACKAGE}` && cache === "MISS"), `${paths}`);
  assert(paths.some(([path, cache]) => String(path).endsWith(".tgz") && cache === "MISS"));

  const warm = await withProxy(upstream, dataDir, install);
  say(`npm, warm: ${summary(warm.requests)}`);
  assertEquals(warm.result, cold.result);
  assertEquals(notFromCache(warm.requests.filter(({ path }) => /\.tgz$/.test(`${path}`))), []);

  const alone = await withoutMirrors(dataDir, install);
  say(`npm, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
});

interface Installed {
  readonly version: string;
  /** npm has checked the package with it. */
  readonly integrity: string;
}

/** Runs a client that knows nothing yet. */
async function install(proxyUrl: string): Promise<Installed> {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "package.json"), "{}\n");
  await Deno.writeTextFile(join(folder.path, "npmrc"), "");
  await mustRun("npm", [
    "install",
    `--registry=${proxyUrl}/`,
    "--replace-registry-host=always",
    `--userconfig=${join(folder.path, "npmrc")}`,
    `--cache=${join(folder.path, "cache")}`,
    "--noproxy=127.0.0.1",
    "--fetch-retries=0",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    PACKAGE,
  ], { cwd: folder.path });
  const lock = JSON.parse(await Deno.readTextFile(join(folder.path, "package-lock.json")));
  const { version, integrity } = lock.packages[`node_modules/${PACKAGE}`];
  const manifest = join(folder.path, "node_modules", PACKAGE, "package.json");
  assertEquals(JSON.parse(await Deno.readTextFile(manifest)).version, version);
  return { version, integrity };
}
