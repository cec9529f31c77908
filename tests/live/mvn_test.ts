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

/** Small, released once, and with a parent that takes no plugins. */
const ARTIFACT = { group: "org.hamcrest", name: "hamcrest-core", version: "1.3" };

/** To choose from a range takes `maven-metadata.xml`. */
const PARENT = { group: "org.hamcrest", name: "hamcrest-parent", versions: "[1.1,1.3]" };

Deno.test("mvn resolves a range and an extension through the proxy, the second time from the cache", async () => {
  if (!await isInstalled("mvn", "--version")) return say("mvn: skipped, it is not there");
  const registry = await registryUrl();
  if (registry === null) return say("mvn: skipped, it does not say where its registry is");
  const why = await unreachable(`${registry}/`);
  if (why !== null) return say(`mvn: skipped, its registry cannot be reached: ${why}`);

  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: registry, preset: "maven", at: "/maven" }];
  const cold = await withProxy(upstream, dataDir, fetchArtifact);
  say(`mvn, cold: ${summary(cold.requests)}`);
  assert(cold.requests.some(({ cache }) => cache === "MISS"));

  // A client that knows nothing yet, and mirrors that are there: they are not asked for a release.
  const warm = await withProxy(upstream, dataDir, fetchArtifact);
  say(`mvn, warm: ${summary(warm.requests)}`);
  assertEquals(warm.result, cold.result);
  assertEquals(notFromCache(warm.requests), []);

  const alone = await withoutUpstreams(upstream, dataDir, fetchArtifact);
  say(`mvn, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
});

/** Where this machine's Maven looks for what it has not got, without a slash at its end. */
async function registryUrl(): Promise<string | null> {
  await using folder = await tempDir();
  const { stdout } = await run("mvn", await clientArgs(folder.path), { cwd: folder.path });
  return /^.*Downloading from \S+: (https?:\S+)\/org\/hamcrest\//m.exec(stdout)?.[1] ?? null;
}

/** Runs a client that knows nothing yet; gives the hash of what it has fetched. */
async function fetchArtifact(proxyUrl: string): Promise<string> {
  await using folder = await tempDir();
  const settings = join(folder.path, "settings.xml");
  const mirror = `<id>cache</id><mirrorOf>*</mirrorOf><url>${proxyUrl}/maven</url>`;
  await Deno.writeTextFile(
    settings,
    `<settings><mirrors><mirror>${mirror}</mirror></mirrors></settings>`,
  );
  const own = [`--settings=${settings}`, `--global-settings=${settings}`];
  await mustRun("mvn", [...own, ...await clientArgs(folder.path)], { cwd: folder.path });
  const { group, name, version } = ARTIFACT;
  const place = ["repository", ...group.split("."), name, version, `${name}-${version}.jar`];
  return await sha256(join(folder.path, ...place));
}

/** For a project that takes no plugin: to read it, Maven needs its parent and its extension. */
async function clientArgs(folder: string): Promise<string[]> {
  const { group, name, version } = ARTIFACT;
  const parent = element("parent", [
    element("groupId", [PARENT.group]),
    element("artifactId", [PARENT.name]),
    element("version", [PARENT.versions]),
    "<relativePath/>",
  ]);
  const extension = element("extension", [
    element("groupId", [group]),
    element("artifactId", [name]),
    element("version", [version]),
  ]);
  const project = element("project", [
    "<modelVersion>4.0.0</modelVersion>",
    parent,
    "<artifactId>project</artifactId><version>1</version><packaging>pom</packaging>",
    element("build", [element("extensions", [extension])]),
  ]);
  await Deno.writeTextFile(join(folder, "pom.xml"), project);
  return [
    "--batch-mode",
    // A file that does not fit its checksum is an error, not a warning.
    "--strict-checksums",
    `-Dmaven.repo.local=${join(folder, "repository")}`,
    "validate",
  ];
}

function element(name: string, content: readonly string[]): string {
  return `<${name}>${content.join("")}</${name}>`;
}
