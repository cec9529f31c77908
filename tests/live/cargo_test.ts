import { assert, assertEquals } from "@std/assert";
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

/** Small and without dependencies. */
const CRATE = "itoa";

Deno.test("cargo fetch runs through the proxy as far as the index's config allows", async () => {
  if (!await isInstalled("cargo", "--version")) return say("cargo: skipped, it is not there");
  const direct = await fetchDirectly();
  if (typeof direct === "string") return say(`cargo: skipped, ${direct}`);
  const why = await unreachable(`${direct.index}/config.json`);
  if (why !== null) return say(`cargo: skipped, its index cannot be reached: ${why}`);
  const crate = crateUrl(direct);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [
    { server: direct.index, name: "index", path: { match: "^/index/(.*)", replace: "/$1" } },
    {
      server: crate.origin,
      name: "crates",
      path: { match: "^/crates/(.*)", replace: "/$1" },
      // A registry that has an interface of its own hands its files to another host.
      "allowed-redirect": "^https:",
    },
  ];
  const fetchByIndex = async (url: string): Promise<Locked> => {
    return (await fetchCrate(`sparse+${url}/index/`)).locked;
  };
  const coldIndex = await withProxy(upstream, dataDir, fetchByIndex);
  say(`cargo, index, cold: ${summary(coldIndex.requests)}`);
  assertEquals(coldIndex.result, direct.locked);
  assert(coldIndex.requests.some(({ cache }) => cache === "MISS"));
  const warmIndex = await withoutMirrors(dataDir, fetchByIndex);
  say(`cargo, index, without mirrors: ${summary(warmIndex.requests)}`);
  assertEquals(warmIndex.result, direct.locked);
  assertEquals(notFromCache(warmIndex.requests), []);

  say(
    "cargo: the index's config.json names another place for crates, where cargo goes past the proxy",
  );
  say("cargo: what works is the same crate by its address at the proxy, its hash as in the index");
  const hashOf = async (url: string): Promise<string> => {
    const response = await fetch(`${url}/crates${crate.pathname}`);
    assertEquals(response.status, 200);
    const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
    return new Uint8Array(digest).toHex();
  };
  const cold = await withProxy(upstream, dataDir, hashOf);
  say(`cargo, crate, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, direct.locked.checksum);
  const alone = await withoutMirrors(dataDir, hashOf);
  say(`cargo, crate, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, direct.locked.checksum);
  assertEquals(notFromCache(alone.requests), []);
});

/** What `Cargo.lock` has of the crate. */
interface Locked {
  readonly version: string;
  readonly checksum: string;
}

interface Direct {
  readonly locked: Locked;
  /** Base URL without a slash at its end. */
  readonly index: string;
  /** Where the index says that crates are. */
  readonly crates: string;
}

/** Lets cargo fetch as it would on this machine; a text says why that shows nothing. */
async function fetchDirectly(): Promise<Direct | string> {
  const fetched = await fetchCrate(null).catch((error) => String(error));
  if (typeof fetched === "string") return `it cannot fetch: ${fetched}`;
  const { locked, indexFolder, config } = fetched;
  // Cargo names the folder of an index by host and hash, and keeps its config there.
  const host = indexFolder.replace(/-[0-9a-f]{16}$/, "");
  const crates = config === null ? null : JSON.parse(config).dl;
  if (typeof crates !== "string") return "its index is not a sparse one";
  return { locked, index: `https://${host}`, crates };
}

/** The address of the crate, by the rules of the index's config. */
function crateUrl({ locked, crates }: Direct): URL {
  const { version, checksum } = locked;
  const markers: Record<string, string> = {
    crate: CRATE,
    version,
    prefix: "it/oa",
    lowerprefix: "it/oa",
    "sha256-checksum": checksum,
  };
  const template = /\{[a-z0-9-]+\}/.test(crates) ? crates : `${crates}/{crate}/{version}/download`;
  return new URL(template.replaceAll(/\{([a-z0-9-]+)\}/g, (all, name) => markers[name] ?? all));
}

interface Fetched {
  readonly locked: Locked;
  readonly indexFolder: string;
  readonly config: string | null;
}

/**
 * Runs a client that knows nothing yet.
 *
 * @param registry Takes the place of the default one; null: the default.
 */
async function fetchCrate(registry: string | null): Promise<Fetched> {
  await using folder = await tempDir();
  const home = join(folder.path, "home");
  const project = join(folder.path, "project");
  await Deno.mkdir(join(project, "src"), { recursive: true });
  await Deno.mkdir(home);
  const manifest = ["[package]", 'name = "project"', "[dependencies]", `${CRATE} = "1"`];
  await Deno.writeTextFile(join(project, "Cargo.toml"), manifest.join("\n"));
  await Deno.writeTextFile(join(project, "src/lib.rs"), "");
  if (registry !== null) {
    const lines = ["[source.crates-io]", 'replace-with = "proxy"', "[source.proxy]"];
    lines.push(`registry = "${registry}"`);
    await Deno.writeTextFile(join(home, "config.toml"), lines.join("\n"));
  }
  const env = { CARGO_HOME: home, NO_PROXY: "127.0.0.1" };
  await mustRun("cargo", ["fetch"], { cwd: project, env });
  const lock = await Deno.readTextFile(join(project, "Cargo.lock"));
  const entry = lock.split("[[package]]").find((text) => text.includes(`name = "${CRATE}"`)) ?? "";
  const valueOf = (name: string): string => {
    return new RegExp(`^${name} = "(.+)"$`, "m").exec(entry)?.[1] ?? "";
  };
  const indexes = join(home, "registry/index");
  const [indexFolder = ""] = await Array.fromAsync(Deno.readDir(indexes), ({ name }) => name);
  const config = await Deno.readTextFile(join(indexes, indexFolder, "config.json"))
    .catch(() => null);
  return {
    locked: { version: valueOf("version"), checksum: valueOf("checksum") },
    indexFolder,
    config,
  };
}
