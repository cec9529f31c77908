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

/** The index of those who have set none. */
const DEFAULT_INDEX_OF = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";

Deno.test("uv installs through the proxy alone, the second time with no index", async () => {
  if (!await isInstalled("uv", "--version")) return say("uv: skipped, it is not there");
  const index = await indexUrl();
  if (index === null) return say("uv: skipped, nothing says where its index is");
  const page = `${index.href}${PACKAGE}/`;
  const why = await unreachable(page);
  if (why !== null) return say(`uv: skipped, its index cannot be reached: ${why}`);
  const files = await fileOrigins(page);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const others = files.filter((origin) => origin !== index.origin);
  const upstream = [
    {
      ...{ server: index.origin, name: "index", preset: "pypi", at: "/pypi" },
      files: Object.fromEntries(
        others.map((origin, number) => [new URL(origin).host, `files-${number}`]),
      ),
    },
    ...others.map((server, number) => (
      { server, name: `files-${number}`, preset: "pypi", at: `/files-${number}` }
    )),
  ];
  const through = (url: string): Promise<string> => install(`${url}/pypi${index.pathname}`);
  const cold = await withProxy(upstream, dataDir, through);
  say(`uv, cold: ${summary(cold.requests)}`);
  // Both the list and the file came by way of the proxy.
  assert(cold.requests.filter(({ cache }) => cache === "MISS").length >= 2);

  const alone = await withoutUpstreams(upstream, dataDir, through);
  say(`uv, without an index: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
});

/** Where this machine looks for packages of Python, with a slash at its end. */
async function indexUrl(): Promise<URL | null> {
  const ofPip = await run("python3", ["-m", "pip", "config", "get", "global.index-url"])
    .catch(() => null);
  const byDefault = await run("python3", ["-c", DEFAULT_INDEX_OF]).catch(() => null);
  const url = Deno.env.get("UV_DEFAULT_INDEX") ?? Deno.env.get("PIP_INDEX_URL") ??
    (ofPip?.code === 0 ? ofPip.stdout : byDefault?.stdout ?? "");
  return URL.parse(url.trim().replace(/\/*$/, "/"));
}

/** The hosts that a page of the index links to. */
async function fileOrigins(page: string): Promise<string[]> {
  const html = await (await fetch(page)).text();
  const links = [...html.matchAll(/href="([^"#]+)/g)].map(([, href = ""]) => new URL(href, page));
  return [...new Set(links.map(({ origin }) => origin))];
}

/** Runs a client that knows nothing yet; gives the hash of what it has installed. */
async function install(index: string): Promise<string> {
  await using folder = await tempDir();
  const target = join(folder.path, "target");
  await mustRun("uv", [
    "pip",
    "install",
    "--no-config",
    "--no-cache",
    "--no-deps",
    "--only-binary=:all:",
    `--default-index=${index}`,
    `--target=${target}`,
    PACKAGE,
  ], { cwd: folder.path, env: { NO_PROXY: "127.0.0.1", UV_FIND_LINKS: "" } });
  return await sha256(join(target, `${PACKAGE}.py`));
}
