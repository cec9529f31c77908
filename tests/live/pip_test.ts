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
  unreachable,
  withoutMirrors,
  withProxy,
} from "./machine.ts";

/** Small, without dependencies, and for every version of Python. */
const PACKAGE = "six";

/** Python that has pip. */
const PYTHON = "python3";

Deno.test("pip download runs through the proxy as far as the links of the index allow", async () => {
  if (!await isInstalled(PYTHON, "-m", "pip", "--version")) return say("pip: skipped, not there");
  const index = new URL(await indexUrl());
  const page = `${index.href}${PACKAGE}/`;
  const why = await unreachable(page);
  if (why !== null) return say(`pip: skipped, its index cannot be reached: ${why}`);
  const wheel = await newestWheel(page);
  if (wheel === null) return say(`pip: skipped, its index has no wheel of ${PACKAGE}`);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [
    // Where index and files have one host, this one serves both.
    { server: index.origin, name: "index", path: { match: "^/index/(.*)", replace: "/$1" } },
    { server: wheel.origin, name: "files", path: { match: "^/files/(.*)", replace: "/$1" } },
  ];
  const look = async (url: string): Promise<string> => {
    return await search(`${url}/index${index.pathname}`);
  };
  const coldIndex = await withProxy(upstream, dataDir, look);
  say(`pip, index, cold: ${summary(coldIndex.requests)}`);
  assert(coldIndex.requests.some(({ cache }) => cache === "MISS"));
  const warmIndex = await withoutMirrors(dataDir, look);
  say(`pip, index, without mirrors: ${summary(warmIndex.requests)}`);
  assertEquals(warmIndex.result, coldIndex.result);
  assertEquals(notFromCache(warmIndex.requests), []);

  if (wheel.origin !== index.origin) {
    say("pip: the index's links lead to another host, so pip would fetch files past the proxy");
    say("pip: what works is the same file by its address at the proxy, its hash checked by pip");
  }
  const fetchFile = async (url: string): Promise<string> => {
    return await download(`${url}/files${wheel.pathname}${wheel.hash}`);
  };
  const cold = await withProxy(upstream, dataDir, fetchFile);
  say(`pip, file, cold: ${summary(cold.requests)}`);
  assertEquals(`#sha256=${cold.result}`, wheel.hash);
  const alone = await withoutMirrors(dataDir, fetchFile);
  say(`pip, file, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
});

/** Where this machine's pip looks, with a slash at its end. */
async function indexUrl(): Promise<string> {
  const configured = await run(PYTHON, ["-m", "pip", "config", "get", "global.index-url"]);
  const own = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  const url = Deno.env.get("PIP_INDEX_URL") ??
    (configured.code === 0 ? configured.stdout : await mustRun(PYTHON, ["-c", own]));
  return url.trim().replace(/\/*$/, "/");
}

/** The last wheel on the page, with its hash in the fragment. */
async function newestWheel(page: string): Promise<URL | null> {
  const html = await (await fetch(page)).text();
  const links = [...html.matchAll(/href="([^"]+\.whl#sha256=[0-9a-f]{64})"/g)];
  const link = links.at(-1)?.[1];
  return link === undefined ? null : new URL(link.replaceAll("&amp;", "&"), page);
}

/** The versions that pip finds at an index. */
async function search(index: string): Promise<string> {
  return await pip(["index", "versions", "--index-url", index, PACKAGE]);
}

/** Lets pip fetch one file into a folder of its own; it checks the hash itself. */
async function download(url: string): Promise<string> {
  await using folder = await tempDir();
  await pip(["download", "--no-deps", "--no-index", "--dest", folder.path, url]);
  const [name = ""] = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
  return await sha256(join(folder.path, name));
}

/** Runs a pip that heeds no settings of this machine and keeps nothing. */
async function pip(args: readonly string[]): Promise<string> {
  const own = ["-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"];
  return await mustRun(PYTHON, [...own, ...args], { env: { NO_PROXY: "127.0.0.1" } });
}
