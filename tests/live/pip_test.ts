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
  unreachable,
  withProxy,
} from "./machine.ts";

/** Small, without dependencies, and for every version of Python. */
const PACKAGE = "six";

/** Python that has pip. */
const PYTHON = "python3";

Deno.test("pip download runs wholly through the proxy, then with the index cut off", async () => {
  if (!await isInstalled(PYTHON, "-m", "pip", "--version")) return say("pip: skipped, not there");
  await checkClient("pip", download);
});

Deno.test("uv pip install runs wholly through the proxy, then with the index cut off", async () => {
  if (!await isInstalled(PYTHON, "-m", "pip", "--version")) {
    return say("uv: skipped, pip is not there");
  }
  await using folder = await tempDir();
  const got = await run(PYTHON, ["-m", "pip", "install", "--quiet", "--target", folder.path, "uv"]);
  if (got.code !== 0) return say(`uv: skipped, it cannot be had: ${got.stderr.slice(0, 200)}`);
  const uv = join(folder.path, "bin/uv");
  if (!await isInstalled(uv, "--version")) return say("uv: skipped, it does not run here");
  await checkClient("uv", (index) => uvInstall(uv, index));
});

/** Cold through an empty cache, then from what is stored alone. */
async function checkClient(
  client: string,
  fetchFrom: (index: string) => Promise<string>,
): Promise<void> {
  const index = new URL(await indexUrl());
  const page = `${index.href}${PACKAGE}/`;
  const why = await unreachable(page);
  if (why !== null) return say(`${client}: skipped, its index cannot be reached: ${why}`);
  const files = await filesOrigin(page);
  if (files === null) return say(`${client}: skipped, its index has no wheel of ${PACKAGE}`);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const isElsewhere = files !== index.origin;
  const host = new URL(files).host;
  const upstreams = [
    {
      server: index.origin,
      name: "index",
      preset: "pypi",
      at: "/pypi",
      ...isElsewhere ? { files: { [host]: "files" } } : {},
    },
    ...isElsewhere ? [{ server: files, name: "files", preset: "pypi", at: "/pypi-files" }] : [],
  ];
  const use = (url: string) => fetchFrom(`${url}/pypi${index.pathname}`);
  const cold = await withProxy(upstreams, dataDir, use);
  say(`${client}, cold: ${summary(cold.requests)}; files ${isElsewhere ? "elsewhere" : "beside"}`);
  assert(cold.requests.some(({ path }) => `${path}`.endsWith(".whl")), "the wheel went past us");

  const alone = await withoutUpstreams(upstreams, dataDir, use);
  say(`${client}, cut off: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
}

/** Where this machine's pip looks, with a slash at its end. */
async function indexUrl(): Promise<string> {
  const configured = await run(PYTHON, ["-m", "pip", "config", "get", "global.index-url"]);
  const own = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
  const url = Deno.env.get("PIP_INDEX_URL") ??
    (configured.code === 0 ? configured.stdout : await mustRun(PYTHON, ["-c", own]));
  return url.trim().replace(/\/*$/, "/");
}

/** Where the wheels of a page are; null when it has none. */
async function filesOrigin(page: string): Promise<string | null> {
  const html = await (await fetch(page, { headers: { accept: "text/html" } })).text();
  const [, link] = /href="([^"]+\.whl)[#"]/.exec(html) ?? [];
  return link === undefined ? null : new URL(link.replaceAll("&amp;", "&"), page).origin;
}

/** Lets a pip that knows nothing fetch a wheel; it checks the hash itself. */
async function download(index: string): Promise<string> {
  await using folder = await tempDir();
  const own = ["-m", "pip", "--isolated", "--no-cache-dir", "--disable-pip-version-check"];
  const args = ["download", "--no-deps", "--only-binary=:all:", "--index-url", index];
  const env = { NO_PROXY: "127.0.0.1" };
  await mustRun(PYTHON, [...own, ...args, "--dest", folder.path, PACKAGE], { env });
  const [name = ""] = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
  return await sha256(join(folder.path, name));
}

/** Lets a uv that knows nothing install; what it has installed. */
async function uvInstall(uv: string, index: string): Promise<string> {
  await using folder = await tempDir();
  const target = join(folder.path, "target");
  const args = ["pip", "install", "--no-config", "--no-cache", "--no-deps", "--only-binary=:all:"];
  const env = { NO_PROXY: "127.0.0.1", UV_FIND_LINKS: "", HOME: folder.path };
  const python = (await mustRun(PYTHON, ["-c", "import sys; print(sys.executable)"])).trim();
  await mustRun(uv, [
    ...args,
    ...["--python", python, "--default-index", index, "--target", target, PACKAGE],
  ], { env });
  return await sha256(join(target, `${PACKAGE}.py`));
}
