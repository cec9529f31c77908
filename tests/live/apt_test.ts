import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import { type AptSource, readAptSources } from "./apt_sources.ts";
import {
  isInstalled,
  mustRun,
  notFromCache,
  say,
  sha256,
  summary,
  unreachable,
  withProxy,
} from "./machine.ts";

/** Small, and in every release of the distribution. */
const PACKAGES = ["hello", "hostname", "tree", "netbase"];

Deno.test("apt-get update and download run through the proxy, the second time from the cache", async () => {
  const source = await findSource();
  if (typeof source === "string") return say(`apt: skipped, ${source}`);
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: source.uri, preset: "apt", at: "/mirror" }];
  const cold = await withProxy(upstream, dataDir, (url) => download(url, source));
  say(`apt, cold: ${summary(cold.requests)}`);
  assertPackages(cold.result);
  assert(cold.requests.some(({ cache }) => cache === "MISS"));

  // A client that knows nothing yet, and mirrors that are there: they are not asked for a package.
  const warm = await withProxy(upstream, dataDir, (url) => download(url, source));
  say(`apt, warm: ${summary(warm.requests)}`);
  assertEquals(warm.result, cold.result);
  const packages = warm.requests.filter(({ path }) => String(path).endsWith(".deb"));
  assertEquals(packages.length, PACKAGES.length);
  assertEquals(notFromCache(packages), []);

  // And mirrors that are gone: not one byte can come from them.
  const alone = await withoutUpstreams(upstream, dataDir, (url) => download(url, source));
  say(`apt, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
});

Deno.test("apt-get takes the proxy for its HTTP proxy, and shares copies with those who do not", async () => {
  const source = await findSource();
  if (typeof source === "string") return say(`apt as of a proxy: skipped, ${source}`);
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = { server: source.uri, preset: "apt", at: "/mirror" };
  const cold = await withProxy([upstream], dataDir, (url) => download(url, source, "proxy"));
  say(`apt as of a proxy, cold: ${summary(cold.requests)}`);
  assertPackages(cold.result);
  assert(cold.requests.some(({ cache }) => cache === "MISS"));
  for (const { path } of cold.requests) assert(String(path).startsWith("/mirror/"), String(path));

  // Whoever would be asked is asked by way of somebody who counts.
  await using gone = new Origin(() => new Response("gone", { status: 503 }));
  for (const way of ["proxy", "mirror"] as const) {
    const entry = { ...upstream, proxy: gone.url };
    const alone = await withProxy([entry], dataDir, (url) => download(url, source, way));
    say(`apt as of a ${way}, without mirrors: ${summary(alone.requests)}`);
    assertEquals(alone.result, cold.result);
    assertEquals(notFromCache(alone.requests), []);
  }
  assertEquals(gone.seen.map(({ target }) => target), [], "requests to the mirrors");
});

/** The distribution's own mirror; a text says why there is none to use. */
async function findSource(): Promise<AptSource | string> {
  if (!await isInstalled("apt-get", "--version")) return "there is no apt-get";
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1] ?? "";
  const source = (await readAptSources()).find(({ suites }) => suites.includes(codename));
  if (source === undefined) return `no source has the suite "${codename}"`;
  const why = await unreachable(`${source.uri}/dists/${codename}/InRelease`);
  return why === null ? source : `its mirror cannot be reached: ${why}`;
}

interface Downloaded {
  readonly name: string;
  readonly fileHash: string;
  /** What apt knows from the signed index. */
  readonly indexHash: string;
}

function assertPackages(downloaded: readonly Downloaded[]): void {
  assertEquals(downloaded.map(({ name }) => name), PACKAGES);
  for (const { name, fileHash, indexHash } of downloaded) {
    assert(/^[0-9a-f]{64}$/.test(indexHash), `apt knows no hash of ${name}`);
    assertEquals(fileHash, indexHash, name);
  }
}

/**
 * Runs a client of its own, which touches nothing of the system's, from nothing to packages.
 *
 * @param way `proxy`: its sources are the distribution's own.
 */
async function download(
  proxyUrl: string,
  source: AptSource,
  way: "mirror" | "proxy" = "mirror",
): Promise<Downloaded[]> {
  await using folder = await tempDir();
  const options = way === "mirror"
    ? await clientOptions(folder.path, `${proxyUrl}/mirror`, source)
    : await clientOptions(folder.path, ofAProxy(source.uri), source, proxyUrl);
  await mustRun("apt-get", [...options, "update"]);
  const cwd = join(folder.path, "packages");
  await Deno.mkdir(cwd);
  await mustRun("apt-get", [...options, "download", ...PACKAGES], { cwd });
  const names = await Array.fromAsync(Deno.readDir(cwd), ({ name }) => name);
  return await Promise.all(PACKAGES.map(async (name) => {
    const shown = await mustRun("apt-cache", [...options, "show", "--no-all-versions", name]);
    const file = names.find((file) => file.startsWith(`${name}_`)) ?? "";
    const indexHash = /^SHA256: (\w+)$/m.exec(shown)?.[1] ?? "";
    return { name, fileHash: await sha256(join(cwd, file)), indexHash };
  }));
}

/** As it stands in the sources of a client that has a proxy. */
function ofAProxy(uri: string): string {
  return uri.replace(/^https:\/\//, "http://HTTPS///");
}

async function clientOptions(
  folder: string,
  uri: string,
  source: AptSource,
  proxy = "DIRECT",
): Promise<string[]> {
  for (const path of ["state/lists/partial", "cache/archives/partial", "sources"]) {
    await Deno.mkdir(join(folder, path), { recursive: true });
  }
  await Deno.writeTextFile(join(folder, "status"), "");
  await Deno.writeTextFile(join(folder, "sources/own.sources"), stanza(uri, source));
  const settings = {
    "Dir::State": join(folder, "state"),
    "Dir::State::status": join(folder, "status"),
    "Dir::Cache": join(folder, "cache"),
    "Dir::Etc::SourceList": "/dev/null",
    "Dir::Etc::SourceParts": join(folder, "sources"),
    "Acquire::http::Proxy": proxy,
    "Acquire::Languages": "none",
    "Acquire::Retries": "0",
    // The user that apt would change to may not write into our folders.
    "APT::Sandbox::User": "",
    // Otherwise an update that has failed counts as a warning.
    "APT::Update::Error-Mode": "any",
  };
  return ["-q", ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}

function stanza(uri: string, { suites, components, signedBy }: AptSource): string {
  const lines = [
    "Types: deb",
    `URIs: ${uri}`,
    `Suites: ${suites.join(" ")}`,
    `Components: ${components.join(" ")}`,
  ];
  if (signedBy !== null) lines.push(`Signed-By: ${signedBy}`);
  return lines.join("\n") + "\n";
}
