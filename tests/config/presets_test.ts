import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { PRESET_NAMES, type PresetName } from "../../src/config/presets/presets.ts";
import { failedCheck } from "../../src/decide/admission.ts";
import { policyFor } from "../../src/decide/freshness.ts";
import { placeInSets } from "../../src/decide/sets.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What `cache.timeout` is in these tests: no preset says it. */
const ELSE = 7 * MINUTE;

const HASH = "0123456789abcdef".repeat(4);

/** What holds for a path behind the mount. */
type Row = readonly [path: string, refreshAfter: number | "never", anchor?: string | "anchor"];

const TABLE: Partial<Record<PresetName, readonly Row[]>> = {
  apt: [
    ["/dists/trixie/InRelease", 5 * MINUTE, "anchor"],
    ["/dists/trixie/Release", 5 * MINUTE, "anchor"],
    ["/dists/trixie/Release.gpg", 5 * MINUTE, "/dists/trixie/InRelease"],
    ["/dists/trixie/main/binary-amd64/Packages.xz", 5 * MINUTE, "/dists/trixie/InRelease"],
    ["/dists/trixie/main/source/Sources.gz", 5 * MINUTE, "/dists/trixie/InRelease"],
    ["/dists/trixie/main/Contents-amd64.gz", 5 * MINUTE, "/dists/trixie/InRelease"],
    ["/dists/trixie/main/i18n/Translation-en.bz2", ELSE, "/dists/trixie/InRelease"],
    ["/dists/trixie/main/dep11/icons-64x64.tar.gz", ELSE, "/dists/trixie/InRelease"],
    [`/dists/trixie/main/binary-amd64/by-hash/SHA256/${HASH}`, "never", "/dists/trixie/InRelease"],
    ["/trixie-security/dists/trixie/InRelease", 5 * MINUTE, "anchor"],
    ["/pool/main/h/hello/hello_2.10-3_amd64.deb", "never"],
    ["/pool/main/h/hello/hello_2.10.orig.tar.gz", "never"],
    ["/pool/main/h/hello/hello_2.10-3.dsc", "never"],
    ["/pool/main/d/debian-installer/x_1.udeb", "never"],
    // A repository without folders.
    ["/Packages.gz", 5 * MINUTE],
    ["/InRelease", 5 * MINUTE],
    ["/tool_1.0_amd64.deb", "never"],
    ["/key.asc", ELSE],
    ["/pooling", ELSE],
  ],
  rpm: [
    ["/9/BaseOS/x86_64/os/repodata/repomd.xml", 5 * MINUTE, "anchor"],
    ["/9/os/repodata/repomd.xml.asc", 5 * MINUTE, "/9/os/repodata/repomd.xml"],
    [`/9/os/repodata/${HASH}-primary.xml.gz`, "never", "/9/os/repodata/repomd.xml"],
    [`/9/os/repodata/${HASH}-primary.xml.zck`, "never", "/9/os/repodata/repomd.xml"],
    ["/9/os/repodata/primary.xml.gz", 5 * MINUTE, "/9/os/repodata/repomd.xml"],
    ["/9/os/Packages/h/hello-2.10-1.x86_64.rpm", "never"],
    ["/9/os/drpms/hello-2.10-1_2.10-2.x86_64.drpm", "never"],
    ["/metalink", HOUR],
    ["/9/mirrorlist", HOUR],
    ["/9/os/.treeinfo", ELSE],
    ["/RPM-GPG-KEY-example", ELSE],
  ],
  pacman: [
    ["/core/os/x86_64/core.db", 5 * MINUTE, "anchor"],
    ["/core/os/x86_64/core.db.sig", 5 * MINUTE, "/core/os/x86_64/core.db"],
    ["/core/os/x86_64/core.files", 5 * MINUTE, "/core/os/x86_64/core.db"],
    ["/core/os/x86_64/core.db.tar.gz", 5 * MINUTE],
    ["/core/os/x86_64/bash-5.3-1-x86_64.pkg.tar.zst", "never"],
    ["/core/os/x86_64/bash-5.3-1-x86_64.pkg.tar.zst.sig", "never"],
    ["/core/os/x86_64/bash-5.3-1-x86_64.pkg.tar", "never"],
    ["/iso/2026.01.01/archlinux-x86_64.iso", "never"],
    ["/iso/latest/archlinux-x86_64.iso", ELSE],
    ["/lastsync", ELSE],
  ],
  apk: [
    ["/v3.22/main/x86_64/APKINDEX.tar.gz", 5 * MINUTE, "anchor"],
    ["/v3.22/main/x86_64/busybox-1.37.0-r12.apk", "never"],
    ["/latest-stable/releases/x86_64/latest-releases.yaml", ELSE],
  ],
  go: [
    ["/golang.org/x/text/@v/list", 5 * MINUTE],
    ["/golang.org/x/text/@latest", 5 * MINUTE],
    ["/golang.org/x/text/@v/v0.3.0.info", "never"],
    ["/golang.org/x/text/@v/v0.3.0.mod", "never"],
    ["/golang.org/x/text/@v/v0.3.0.zip", "never"],
    ["/example.org/!big!name/@v/v2.0.0+incompatible.zip", "never"],
    ["/example.org/mod/v2/@v/v2.1.0-rc.1.zip", "never"],
    ["/example.org/mod/@v/v0.0.0-20260101120000-abcdef123456.mod", "never"],
    // Branches and commits.
    ["/example.org/mod/@v/main.info", 5 * MINUTE],
    ["/example.org/mod/@v/v2.info", 5 * MINUTE],
    ["/example.org/mod/@v/abcdef123456.info", 5 * MINUTE],
    ["/sumdb/sum.example.org/supported", HOUR],
    ["/sumdb/sum.example.org/latest", 5 * MINUTE],
    ["/sumdb/sum.example.org/lookup/golang.org/x/text@v0.3.0", "never"],
    ["/sumdb/sum.example.org/tile/8/0/x001/234", "never"],
    ["/sumdb/sum.example.org/tile/8/0/x001/234.p/56", "never"],
    ["/sumdb/sum.example.org/tile/8/data/x001/234", "never"],
  ],
  maven: [
    ["/org/a/b/maven-metadata.xml", 5 * MINUTE, "anchor"],
    ["/org/a/b/maven-metadata.xml.sha1", 5 * MINUTE, "/org/a/b/maven-metadata.xml"],
    ["/org/a/b/1.0-SNAPSHOT/maven-metadata.xml", 5 * MINUTE, "anchor"],
    ["/org/a/b/1.0-SNAPSHOT/b-1.0-SNAPSHOT.jar", 5 * MINUTE, "anchor"],
    [
      "/org/a/b/1.0-SNAPSHOT/b-1.0-SNAPSHOT.jar.sha1",
      5 * MINUTE,
      "/org/a/b/1.0-SNAPSHOT/b-1.0-SNAPSHOT.jar",
    ],
    ["/org/a/b/1.0-SNAPSHOT/b-1.0-SNAPSHOT.pom", 5 * MINUTE, "anchor"],
    ["/org/a/b/1.0-SNAPSHOT/b-1.0-20260101.120000-1.jar", "never"],
    ["/org/a/b/1.0/b-1.0.jar", "never"],
    ["/org/a/b/1.0/b-1.0.pom", "never"],
    ["/org/a/b/1.0/b-1.0.pom.sha1", "never"],
    ["/org/a/b/1.0/b-1.0-sources.jar.asc", "never"],
    ["/org/a/b/1.0/b-1.0.module", "never"],
    ["/single/b/1.0/b-1.0.tar.gz", "never"],
    ["/archetype-catalog.xml", HOUR],
    ["/.index/nexus-maven-repository-index.gz", HOUR],
  ],
  rubygems: [
    ["/versions", 5 * MINUTE],
    ["/names", 5 * MINUTE],
    ["/info/rake", 5 * MINUTE],
    ["/specs.4.8.gz", 5 * MINUTE],
    ["/latest_specs.4.8.gz", 5 * MINUTE],
    ["/prerelease_specs.4.8.gz", 5 * MINUTE],
    ["/gems/rake-13.2.1.gem", "never"],
    ["/quick/Marshal.4.8/rake-13.2.1.gemspec.rz", "never"],
    ["/api/v1/gems/rake.json", ELSE],
  ],
  nix: [
    ["/nix-cache-info", DAY],
    ["/0c5b8vw40dy178xlpddw65q9gf1h2186.narinfo", DAY],
    ["/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz", "never"],
    ["/log/0c5b8vw40dy178xlpddw65q9gf1h2186-hello.drv", DAY],
    ["/nix-channels/store-paths.xz", ELSE],
  ],
  oci: [
    ["/v2/library/hello/manifests/latest", MINUTE],
    ["/v2/library/hello/manifests/1.2.3", MINUTE],
    [`/v2/library/hello/manifests/sha256:${HASH}`, "never"],
    [`/v2/library/hello/blobs/sha256:${HASH}`, "never"],
    [`/v2/hello/blobs/sha512:${HASH}${HASH}`, "never"],
    ["/v2/library/hello/tags/list", MINUTE],
    [`/v2/library/hello/referrers/sha256:${HASH}`, MINUTE],
    ["/v2/_catalog", MINUTE],
  ],
};

function load(preset: PresetName, at: string): Config {
  const text = `
upstream: [{server: "https://mirror.example.org", preset: ${preset}, at: "${at}"}]
cache: {timeout: 7m}
`;
  return loadConfig(text, () => undefined).config;
}

for (const [preset, rows] of Object.entries(TABLE) as [PresetName, readonly Row[]][]) {
  for (const at of ["/here", "/", ""]) {
    Deno.test(`${preset} at "${at}": when which path is refreshed, and what belongs together`, () => {
      const { policies, sets } = load(preset, at).cache;
      // Without a place the rules hold in any folder.
      const mount = at === "" ? "/any/where" : at.replace(/\/$/, "");
      for (const [path, expected, anchor] of rows) {
        const { refreshAfter } = policyFor(mount + path, policies);
        assertEquals(refreshAfter, expected, mount + path);
        const place = placeInSets(mount + path, sets);
        if (anchor === undefined) assertEquals(place?.role ?? "none", "none", path);
        else if (anchor === "anchor") assertEquals(place?.role, "anchor", path);
        else {
          const head = placeInSets(mount + anchor, sets);
          assertEquals(
            [place?.role, place?.set, head?.role],
            ["member", head?.set, "anchor"],
            path,
          );
        }
      }
    });
  }
}

Deno.test("the rules of a mounted preset hold there alone", () => {
  for (const [preset, rows] of Object.entries(TABLE) as [PresetName, readonly Row[]][]) {
    const { policies } = load(preset, "/here").cache;
    for (const [path] of rows) {
      assertEquals(policyFor(`/there${path}`, policies).refreshAfter, ELSE, `${preset} ${path}`);
    }
  }
});

Deno.test("an HTML page is no file, but a type may be left out", () => {
  // The simple index of Python packages is HTML.
  for (const preset of PRESET_NAMES.filter((name) => TABLE[name] !== undefined)) {
    const checkers = load(preset, "/here").upstreams[0]?.checkers ?? [];
    const judge = (type: string | null): unknown =>
      failedCheck(
        { status: 200, headers: type === null ? [] : [["content-type", type]] },
        checkers,
      );
    for (const type of ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"]) {
      assert(judge(type) !== null, `${preset} takes ${type}`);
    }
    for (const type of [null, "", "text/plain", "application/octet-stream", "text/htmlx"]) {
      assertEquals(judge(type), null, `${preset} ${type}`);
    }
    assert(failedCheck({ status: 404, headers: [] }, checkers) !== null, preset);
  }
});

Deno.test("a registry's redirects lead anywhere with TLS", () => {
  const [upstream] = load("oci", "/").upstreams;
  assertEquals(upstream?.protocol, "oci");
  assert(upstream?.allowedRedirect?.test("https://cdn.example.org/blob?sig=x"));
  assert(!upstream?.allowedRedirect?.test("http://cdn.example.org/blob"));
});
