import { assert, assertEquals } from "@std/assert";
import { basename, join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { withoutUpstreams } from "./cut_off.ts";
import { fileOrigin } from "./file_origin.ts";
import { isInstalled, mustRun, notFromCache, say, sha256, summary, withProxy } from "./machine.ts";
import { fileName, makeRpmRepository, type RpmPackage } from "./rpm_repository.ts";

const PRESET = { preset: "rpm", at: "/rpm" };

const HELLO_B: RpmPackage = { name: "hello-b", version: "1.0" };

const PACKAGES: readonly RpmPackage[] = ["a", "b", "c", "d", "e", "f"]
  .map((letter) => ({ name: `hello-${letter}`, version: "1.0" }));

Deno.test("dnf installs through the proxy, by address and by metalink, at last with no mirror", async () => {
  const missing = await missingPrograms(["dnf", "rpmbuild", "createrepo_c"]);
  if (missing !== null) return say(`dnf: skipped, there is no ${missing}`);
  await using folder = await tempDir();
  const repository = join(folder.path, "repository");
  await makeRpmRepository(repository, PACKAGES);
  await using origin = fileOrigin(repository);
  await writeMetalink(repository, [origin.url, "http://mirror.example.org"]);
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: origin.url, ...PRESET }];
  const expected = await sha256(join(repository, fileName(HELLO_B)));

  const byAddress = (url: string): Promise<string> => download(`baseurl=${url}/rpm/`);
  const byMetalink = (url: string): Promise<string> => download(`metalink=${url}/rpm/metalink`);
  const cold = await withProxy(upstream, dataDir, byAddress);
  say(`dnf, cold: ${summary(cold.requests)}`);
  assertEquals(cold.result, expected);
  const listed = await withProxy(upstream, dataDir, byMetalink);
  say(`dnf, by metalink: ${summary(listed.requests)}`);
  assertEquals(listed.result, expected);
  assertEquals(notFromCache(listed.requests), ["/rpm/metalink"]);
  for (const way of [byAddress, byMetalink]) {
    const alone = await withoutUpstreams(upstream, dataDir, way);
    say(`dnf, without mirrors: ${summary(alone.requests)}`);
    assertEquals(alone.result, expected);
    assertEquals(notFromCache(alone.requests), []);
  }
});

Deno.test("zckdl fetches what has changed of a zchunk file by several ranges", async () => {
  const missing = await missingPrograms(["zckdl", "unzck", "rpmbuild", "createrepo_c"]);
  if (missing !== null) return say(`zckdl: skipped, there is no ${missing}`);
  await using folder = await tempDir();
  const [old, now] = [join(folder.path, "old"), join(folder.path, "now")];
  await makeRpmRepository(old, PACKAGES);
  const changed = PACKAGES.map(({ name, version }) => (
    { name, version: /[be]$/.test(name) ? "2.0" : version }
  ));
  await makeRpmRepository(now, changed, old);
  await using origin = fileOrigin(now);
  const [known, wanted] = [await primary(old), await primary(now)];
  const dataDir = join(folder.path, "data");
  const upstream = [{ server: origin.url, ...PRESET }];

  const delta = async (url: string): Promise<string[]> => await fetchDelta(url, known, wanted);
  const cold = await withProxy(upstream, dataDir, delta);
  say(`zckdl, cold: ${summary(cold.requests)}; ranges: ${cold.result.join(" ")}`);
  assert(cold.result.some((range) => range.includes(",")), "no request had several ranges");
  assertEquals(cold.requests.map(({ status }) => status), cold.requests.map(() => 206));
  const alone = await withoutUpstreams(upstream, dataDir, delta);
  say(`zckdl, without mirrors: ${summary(alone.requests)}`);
  assertEquals(alone.result, cold.result);
  assertEquals(notFromCache(alone.requests), []);
});

/** The first of some programs that is not there; null when all are. */
async function missingPrograms(programs: readonly string[]): Promise<string | null> {
  for (const program of programs) {
    if (!await isInstalled(program, "--version")) return program;
  }
  return null;
}

/** As mirror managers write it: what the head of the metadata is, and who has it. */
async function writeMetalink(repository: string, mirrors: readonly string[]): Promise<void> {
  const head = join(repository, "repodata/repomd.xml");
  const urls = mirrors.map((mirror, index) =>
    `<url protocol="http" type="http" preference="${
      100 - index
    }">${mirror}/repodata/repomd.xml</url>`
  );
  const lines = [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<metalink version="3.0" xmlns="http://www.metalinker.org/">',
    '<files><file name="repomd.xml">',
    `<size>${(await Deno.stat(head)).size}</size>`,
    `<verification><hash type="sha256">${await sha256(head)}</hash></verification>`,
    `<resources maxconnections="1">${urls.join("\n")}</resources>`,
    "</file></files>",
    "</metalink>",
  ];
  await Deno.writeTextFile(join(repository, "metalink"), lines.join("\n") + "\n");
}

/**
 * Runs a client that knows nothing yet, which touches nothing of the system's.
 *
 * @param source Where its repository is, as its config says it.
 */
async function download(source: string): Promise<string> {
  await using folder = await tempDir();
  const place = (name: string): string => join(folder.path, name);
  for (const name of ["root", "empty", "packages"]) await Deno.mkdir(place(name));
  const settings = [
    "[main]",
    `cachedir=${place("cache")}`,
    `logdir=${place("log")}`,
    `persistdir=${place("persist")}`,
    `reposdir=${place("empty")}`,
    `varsdir=${place("empty")}`,
    "gpgcheck=0",
    "plugins=0",
    "proxy=",
    "[own]",
    "name=own",
    source,
  ];
  await Deno.writeTextFile(place("dnf.conf"), settings.join("\n") + "\n");
  await mustRun("dnf", [
    "--quiet",
    "--assumeyes",
    `--config=${place("dnf.conf")}`,
    `--installroot=${place("root")}`,
    "--releasever=1",
    // Below the other root it would be looked for there.
    `--setopt=cachedir=${place("cache")}`,
    "install",
    "--downloadonly",
    `--downloaddir=${place("packages")}`,
    HELLO_B.name,
  ]);
  return await sha256(join(place("packages"), fileName(HELLO_B)));
}

async function primary(repository: string): Promise<string> {
  const folder = join(repository, "repodata");
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return join(folder, names.find((name) => name.endsWith("-primary.xml.zck")) ?? "");
}

/** Fetches a file of which another version is there; gives the ranges that were asked for. */
async function fetchDelta(proxyUrl: string, known: string, wanted: string): Promise<string[]> {
  await using folder = await tempDir();
  await using spy = new Origin(({ target, headers }) => fetch(proxyUrl + target, { headers }));
  const name = basename(wanted);
  const url = `${spy.url}/rpm/repodata/${name}`;
  await mustRun("zckdl", ["--fail-no-ranges", `--source=${known}`, url], { cwd: folder.path });
  assertEquals(await sha256(join(folder.path, name)), await sha256(wanted));
  return spy.seen.map(({ headers }) => headers.get("range") ?? "");
}
