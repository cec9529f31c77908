import { assert, assertEquals } from "@std/assert";
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

/** Small and without dependencies. */
const CRATE = "itoa";

Deno.test("cargo fetch runs wholly through the proxy, then with the registry cut off", async () => {
  if (!await isInstalled("cargo", "--version")) return say("cargo: skipped, it is not there");
  const direct = await fetchDirectly();
  if (typeof direct === "string") return say(`cargo: skipped, ${direct}`);
  const why = await unreachable(`${direct.index}/config.json`);
  if (why !== null) return say(`cargo: skipped, its index cannot be reached: ${why}`);
  // Markers may be in the path; a host that has some has no name.
  const crates = URL.parse(direct.crates.replace(/\{.*$/s, ""));
  if (crates === null) return say("cargo: skipped, its crates are at no host of one name");

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstreams = [
    {
      server: direct.index,
      name: "index",
      preset: "cargo",
      at: "/index",
      files: { [crates.host]: "crates" },
    },
    { server: crates.origin, name: "crates", preset: "cargo", at: "/crates" },
  ];
  const use = async (url: string): Promise<Locked> => {
    return (await fetchCrate(`sparse+${url}/index/`)).locked;
  };
  const cold = await withProxy(upstreams, dataDir, use);
  say(`cargo, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, direct.locked);
  const crate = ({ path }: (typeof cold.requests)[number]) =>
    /\/download$|\.crate$/.test(`${path}`);
  assert(cold.requests.some(crate), "the crate went past us");

  const alone = await withoutUpstreams(upstreams, dataDir, use);
  say(`cargo, cut off: ${summary(alone.requests)}`);
  assertEquals(alone.result, direct.locked);
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
