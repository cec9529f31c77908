import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";
import { policyFor } from "../../src/decide/freshness.ts";

const TEXT = await Deno.readTextFile(new URL("../../config.yaml", import.meta.url));
const { config, warnings } = loadConfig(TEXT, () => undefined);

/** Where the mirrors are asked for a path of a client, in the order of the file. */
function candidates(path: string): string[] {
  return config.upstreams.flatMap(({ server, mapping }) => {
    if (mapping === null || !mapping.match.test(path)) return [];
    return [server + mapping.match.replaceAll(path, mapping.replace)];
  });
}

function refreshAfterHours(path: string): number | null {
  const { refreshAfter } = policyFor(path, config.cache.policies);
  return typeof refreshAfter === "number" ? refreshAfter / 3_600_000 : null;
}

Deno.test("the shipped config loads without a warning and names its JSON Schema", () => {
  assertEquals(warnings, []);
  assert(TEXT.startsWith("# yaml-language-server: $schema=./config.schema.json\n"));
});

Deno.test("what the shipped config spells out are the defaults", () => {
  const minimal = loadConfig("upstream: [{server: https://a.example}]", () => undefined).config;
  assertEquals({ ...config, upstreams: [], cache: { ...config.cache, policies: [] } }, {
    ...minimal,
    upstreams: [],
    cache: { ...minimal.cache, policies: [] },
  });
});

Deno.test("every family of the shipped config has mirrors, and only its own paths", () => {
  const counts: [path: string, mirrors: number][] = [
    ["/debian/dists/sid/InRelease", 3],
    ["/ubuntu/dists/noble/InRelease", 4],
    ["/ubuntu-ports/dists/noble/InRelease", 3],
    ["/ubuntu-releases/24.04/SHA256SUMS", 4],
    ["/alpine/v3.22/main/x86_64/APKINDEX.tar.gz", 4],
    ["/archlinux/core/os/x86_64/core.db", 3],
    ["/almalinux/9/BaseOS/x86_64/os/repodata/repomd.xml", 4],
    ["/rocky/9/BaseOS/x86_64/os/repodata/repomd.xml", 4],
    ["/epel/9/Everything/x86_64/repodata/repomd.xml", 4],
    ["/pypi/simple/", 2],
    ["/elrepo/elrepo/el9/x86_64/repodata/repomd.xml", 1],
    ["/tailscale/ubuntu/dists/noble/InRelease", 2],
    ["/rust-static/dist/channel-rust-stable.toml", 2],
    ["/microsoft-code/dists/stable/InRelease", 1],
    ["/hashicorp-deb/dists/noble/InRelease", 1],
    ["/hashicorp-rpm/RHEL/9/x86_64/stable/repodata/repomd.xml", 1],
    ["/google-chrome/deb/dists/stable/Release", 1],
    ["/kylinlinux/x", 1],
    ["/jsdelivr/npm/x", 1],
    ["/flutter-storage/x", 1],
    ["/chaotic-aur/x86_64/chaotic-aur.db", 1],
    ["/openzfs/x", 1],
    ["/unknown/debian/x", 0],
    ["/debian", 0],
    ["/", 0],
  ];
  for (const [path, mirrors] of counts) assertEquals(candidates(path).length, mirrors, path);
});

Deno.test("paths are rewritten to what each mirror calls them", () => {
  const [large] = candidates("/debian/pool/x.deb");
  assert(large?.endsWith("/debian/pool/x.deb"));
  assert(candidates("/ubuntu-releases/24.04/x")[3]?.endsWith(".com/24.04/x"));
  assert(candidates("/microsoft-code/dists/x")[0]?.endsWith("/repos/code/dists/x"));
  assert(candidates("/chaotic-aur/x86_64/x")[0]?.endsWith("/chaotic-aur/x86_64/x"));
});

Deno.test("the ports' metadata comes from the official host first", () => {
  const path = "/ubuntu-ports/dists/noble/InRelease";
  const priorities = config.upstreams.flatMap(({ priorityGroups }) =>
    priorityGroups.filter(({ match }) => match.test(path)).map(({ priority }) => priority)
  );
  assertEquals(priorities, [10]);
});

Deno.test("the mirror that answers with HTML pages is checked for the type of content", () => {
  const types = config.upstreams
    .flatMap(({ checkers }) => checkers.flatMap(({ headers }) => headers));
  assertEquals(types.map(({ name }) => name), ["content-type"]);
  const match = types[0]?.match;
  for (
    const type of [
      "application/octet-stream",
      "application/vnd.debian.binary-package",
      "application/x-gzip",
      "text/xml",
      "text/plain; charset=utf-8",
    ]
  ) assertEquals(match?.test(type), true, type);
  for (const type of ["text/html", "text/html; charset=utf-8", "text/plainer"]) {
    assertEquals(match?.test(type), false, type);
  }
});

Deno.test("redirects leave the host only where the config says so", () => {
  const [redirect, ...others] = config.upstreams.flatMap(({ allowedRedirect }) =>
    allowedRedirect ?? []
  );
  assertEquals(others, []);
  assert(redirect?.test("https://cf-builds.garudalinux.org/repos/chaotic-aur/x86_64/x"));
  assert(!redirect?.test("https://cf-builds.garudalinux.org.evil.example/chaotic-aur/x"));
});

Deno.test("packages are kept for good, what moves on is asked for again", () => {
  const examples: [path: string, hours: number | null][] = [
    ["/debian/pool/main/h/hello/hello_2.10-3_amd64.deb", null],
    ["/epel/9/Everything/x86_64/Packages/h/hello.rpm", null],
    ["/alpine/v3.22/main/x86_64/hello-1-r0.apk", null],
    ["/ubuntu-releases/24.04/ubuntu-24.04-server-amd64.iso", null],
    ["/archlinux/core/os/x86_64/hello-1-1-x86_64.pkg.tar.zst", null],
    ["/archlinux/core/os/x86_64/hello-1-1-x86_64.pkg.tar.zst.sig", null],
    ["/debian/dists/sid/main/binary-amd64/by-hash/SHA256/00", null],
    ["/centos/7/os/x86_64/repodata/repomd.xml", null],
    ["/centos/7.9.2009/os/x86_64/repodata/repomd.xml", null],
    ["/centos-vault/6.10/os/x86_64/repodata/repomd.xml", null],
    ["/centos/8-stream/x/repomd.xml", 1],
    ["/ubuntu/dists/noble-security/InRelease", 1],
    ["/chaotic-aur/x86_64/chaotic-aur.db", 24],
    ["/archlinux/iso/latest/archlinux-x86_64.iso", 1],
    ["/rocky/9/isos/x86_64/Rocky-9-latest-x86_64-dvd.iso", 1],
    ["/debian/dists/sid/InRelease", 1],
    ["/archlinux/core/os/x86_64/core.db", 1],
  ];
  for (const [path, hours] of examples) assertEquals(refreshAfterHours(path), hours, path);
});
