import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  run,
  say,
  summary,
  unreachable,
  withProxy,
} from "./machine.ts";

/** Small, without dependencies, and hardly ever published again; one of them scoped. */
const PACKAGES = ["is-number", "@types/ms"];

Deno.test("npm install runs wholly through the proxy, then with the registry cut off", async () => {
  if (!await isInstalled("npm", "--version")) return say("npm: skipped, it is not there");
  await checkClient("npm", install);
});

Deno.test("pnpm install runs wholly through the proxy, then with the registry cut off", async () => {
  if (!await isInstalled("npm", "--version")) return say("pnpm: skipped, npm is not there");
  await using folder = await tempDir();
  const got = await run("npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefix",
    folder.path,
    "pnpm",
  ]);
  if (got.code !== 0) return say(`pnpm: skipped, it cannot be had: ${got.stderr.slice(0, 200)}`);
  const pnpm = join(folder.path, "node_modules/.bin/pnpm");
  const version = await run(pnpm, ["--version"]);
  if (version.code !== 0) {
    return say(`pnpm: skipped, it does not run: ${version.stderr.slice(0, 200)}`);
  }
  await checkClient("pnpm", (url) => pnpmInstall(pnpm, url));
});

Deno.test("npm audit goes through the proxy", async () => {
  if (!await isInstalled("npm", "--version")) return say("npm audit: skipped, npm is not there");
  const registry = await registryUrl();
  const why = await unreachable(registry);
  if (why !== null) return say(`npm audit: skipped, its registry cannot be reached: ${why}`);
  await using folder = await tempDir();
  const audited = await withProxy(upstreamsOf(registry), join(folder.path, "data"), async (url) => {
    const project = join(folder.path, "project");
    await Deno.mkdir(project);
    await Deno.writeTextFile(join(project, "package.json"), "{}\n");
    const args = npmArgs(`${url}/npm/`, project);
    await mustRun("npm", ["install", "--no-audit", ...args, ...PACKAGES], { cwd: project });
    return await run("npm", ["audit", "--json", ...args], { cwd: project });
  });
  const posted = audited.requests.filter(({ method }) => method === "POST");
  say(`npm audit: ${posted.map(({ path, status }) => `${path} ${status}`).join(", ")}`);
  assert(posted.length > 0);
  assert(posted.every(({ cache }) => cache === "BYPASS"), "the registry was not asked");
  // Whether the registry knows audits is its own affair; it must be its answer that npm got.
  if (posted.every(({ status }) => status === 200)) {
    assertEquals(JSON.parse(audited.result.stdout).metadata.vulnerabilities.total, 0);
  }
});

/** Cold through an empty cache, then from what is stored alone. */
async function checkClient(
  client: string,
  installFrom: (registry: string) => Promise<readonly Installed[]>,
): Promise<void> {
  const registry = await registryUrl();
  const why = await unreachable(registry);
  if (why !== null) return say(`${client}: skipped, its registry cannot be reached: ${why}`);
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstreams = upstreamsOf(registry);
  const use = (url: string) => installFrom(`${url}/npm/`);
  const cold = await withProxy(upstreams, dataDir, use);
  say(`${client}, cold: ${summary(cold.requests)}`);
  for (const { integrity } of cold.result) assertMatch(integrity, /^sha512-/);
  const tarballs = cold.requests.filter(({ path }) => `${path}`.endsWith(".tgz"));
  assertEquals(tarballs.map(({ cache }) => cache), PACKAGES.map(() => "MISS"));

  const alone = await withoutUpstreams(upstreams, dataDir, use);
  say(`${client}, cut off: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
}

async function registryUrl(): Promise<string> {
  return (await mustRun("npm", ["config", "get", "registry"])).trim().replace(/\/+$/, "");
}

function upstreamsOf(registry: string): Readonly<Record<string, unknown>>[] {
  return [{ server: registry, preset: "npm", at: "/npm" }];
}

interface Installed {
  readonly version: string;
  /** The client has checked the package with it. */
  readonly integrity: string;
}

/** What makes npm one that knows nothing yet, and that goes wherever the metadata says. */
function npmArgs(registry: string, folder: string): string[] {
  return [
    `--registry=${registry}`,
    "--replace-registry-host=never",
    `--userconfig=${join(folder, "npmrc")}`,
    `--cache=${join(folder, "cache")}`,
    "--noproxy=127.0.0.1",
    "--fetch-retries=0",
    "--no-fund",
    "--no-update-notifier",
  ];
}

async function install(registry: string): Promise<readonly Installed[]> {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "package.json"), "{}\n");
  const args = npmArgs(registry, folder.path);
  await mustRun("npm", ["install", "--no-audit", ...args, ...PACKAGES], { cwd: folder.path });
  const lock = JSON.parse(await Deno.readTextFile(join(folder.path, "package-lock.json")));
  return await Promise.all(PACKAGES.map(async (name) => {
    const { version, integrity } = lock.packages[`node_modules/${name}`];
    assertEquals(await installedVersion(folder.path, name), version);
    return { version, integrity };
  }));
}

async function pnpmInstall(pnpm: string, registry: string): Promise<readonly Installed[]> {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "package.json"), "{}\n");
  const home = join(folder.path, "home");
  await mustRun(pnpm, [
    ...["add", `--registry=${registry}`, "--ignore-scripts"],
    ...[`--store-dir=${join(folder.path, "store")}`, ...PACKAGES],
  ], {
    cwd: folder.path,
    env: {
      HOME: home,
      XDG_CACHE_HOME: home,
      XDG_CONFIG_HOME: home,
      NO_PROXY: "127.0.0.1",
      CI: "1",
    },
  });
  const lock = await Deno.readTextFile(join(folder.path, "pnpm-lock.yaml"));
  return await Promise.all(PACKAGES.map(async (name) => {
    const version = await installedVersion(folder.path, name);
    const at = lock.indexOf(`${name}@${version}`);
    const [, integrity = ""] = /integrity: ([^,}\s]+)/.exec(lock.slice(at)) ?? [];
    return { version, integrity };
  }));
}

async function installedVersion(folder: string, name: string): Promise<string> {
  const manifest = join(folder, "node_modules", name, "package.json");
  return JSON.parse(await Deno.readTextFile(manifest)).version;
}
