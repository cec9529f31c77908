import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  say,
  summary,
  unreachable,
  withProxy,
} from "./machine.ts";

/** Small, without dependencies, and never published again. */
const PACKAGE = "is-number";

Deno.test("pnpm add runs through the proxy alone, the second time with no registry", async () => {
  if (!await isInstalled("pnpm", "--version")) return say("pnpm: skipped, it is not there");
  const registry = (await mustRun("pnpm", ["config", "get", "registry"])).trim();
  const why = await unreachable(registry);
  if (why !== null) return say(`pnpm: skipped, its registry cannot be reached: ${why}`);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: registry.replace(/\/+$/, ""), preset: "npm", at: "/npm" }];
  const cold = await withProxy(upstream, dataDir, add);
  say(`pnpm, cold: ${summary(cold.requests)}`);
  assertMatch(cold.result, /^sha512-/);
  // It goes where the metadata says, which is here.
  const [metadata, tarball] = cold.requests;
  assertEquals([metadata?.["path"], metadata?.["cache"]], [`/npm/${PACKAGE}`, "MISS"]);
  assert(String(tarball?.["path"]).endsWith(".tgz") && tarball?.["cache"] === "MISS");

  const alone = await withoutUpstreams(upstream, dataDir, add);
  say(`pnpm, without a registry: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(alone.requests.map(({ path }) => path), cold.requests.map(({ path }) => path));
  assertEquals(notFromCache(alone.requests), []);
});

/** Runs a client that knows nothing yet; gives the hash that it has checked the package with. */
async function add(proxyUrl: string): Promise<string> {
  await using folder = await tempDir();
  const place = (name: string): string => join(folder.path, name);
  await Deno.writeTextFile(place("package.json"), "{}\n");
  await Deno.writeTextFile(place("npmrc"), "");
  await mustRun("pnpm", [
    "add",
    `--registry=${proxyUrl}/npm/`,
    `--store-dir=${place("store")}`,
    `--cache-dir=${place("cache")}`,
    `--config.state-dir=${place("state")}`,
    "--fetch-retries=0",
    // Otherwise it looks for news of itself.
    "--config.update-notifier=false",
    PACKAGE,
  ], {
    cwd: folder.path,
    env: { NPM_CONFIG_USERCONFIG: place("npmrc"), NO_PROXY: "127.0.0.1" },
  });
  const lock = await Deno.readTextFile(place("pnpm-lock.yaml"));
  return /integrity: ([^\s},]+)/.exec(lock)?.[1] ?? "";
}
