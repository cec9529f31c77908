import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { LogLine } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import { writeImageLayout } from "./image_layout.ts";
import { ImageRegistry } from "./image_registry.ts";
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

const PRESET = { preset: "oci", at: "/" };

Deno.test("skopeo copies an image through the proxy, the second time with no registry", async () => {
  for (const program of ["skopeo", "docker-registry"]) {
    if (!await isInstalled(program, "--version")) {
      return say(`skopeo: skipped, there is no ${program}`);
    }
  }
  await using folder = await tempDir();
  const layout = join(folder.path, "layout");
  await writeImageLayout(layout, "latest", "the only layer".repeat(10_000));
  await using registry = await ImageRegistry.start(folder.path);
  for (const name of ["team/hello", "other"]) await push(layout, `${registry.host}/${name}`);

  // It compresses the layer on its way there.
  const expected = await pull(registry.url, "team/hello");
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: registry.url, ...PRESET }];
  const pullHello = (url: string): Promise<string[]> => pull(url, "team/hello");
  const cold = await withProxy(upstream, dataDir, pullHello);
  say(`skopeo, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, expected);
  assert(cold.requests.some(({ cache }) => cache === "MISS"));

  // A tag is fresh for a minute.
  const alone = await withoutUpstreams(upstream, dataDir, pullHello);
  say(`skopeo, without a registry: ${summary(alone.requests)}`);
  assertEquals(alone.result, expected);
  assertEquals(notFromCache(alone.requests.filter(isForFile)), []);

  // Another repository has the same blobs: only its tag is asked for.
  const other = await withProxy(upstream, dataDir, (url) => pull(url, "other"));
  say(`skopeo, another name: ${summary(other.requests)}`);
  assertEquals(other.result, expected);
  assertEquals(notFromCache(other.requests.filter(isForFile)), ["/v2/other/manifests/latest"]);

  const pushed = await withProxy(upstream, dataDir, (url) => {
    return run("skopeo", [
      "copy",
      "--dest-tls-verify=false",
      `oci:${layout}:latest`,
      imageAt(url, "new"),
    ]);
  });
  assert(pushed.result.code !== 0, "a push went through");
  assert(pushed.requests.some(({ status }) => status === 405));
});

/** Not the question whether there is a registry, which is answered without a look at anything. */
function isForFile({ path }: LogLine): boolean {
  return path !== "/v2/";
}

function imageAt(url: string, name: string): string {
  return `docker://${new URL(url).host}/${name}:latest`;
}

async function push(layout: string, image: string): Promise<void> {
  const to = `docker://${image}:latest`;
  await mustRun("skopeo", ["copy", "--dest-tls-verify=false", `oci:${layout}:latest`, to]);
}

/** Runs a client that keeps nothing; gives the hashes of what it has fetched. */
async function pull(url: string, name: string): Promise<string[]> {
  await using folder = await tempDir();
  const copy = join(folder.path, "copy");
  const from = ["--src-tls-verify=false", imageAt(url, name)];
  await mustRun("skopeo", ["copy", ...from, `oci:${copy}:latest`]);
  return await filesOf(join(copy, "blobs/sha256"));
}

/** Names and contents of the files of a folder, each of which is named by its hash. */
async function filesOf(folder: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  for (const name of names) assertEquals(await sha256(join(folder, name)), name);
  return names.sort();
}
