import type { ListFormat } from "../../../src/decide/digests/parser_of.ts";

/** A list and what it says. */
export interface ListSample {
  readonly name: string;
  readonly format: ListFormat;
  readonly key: string;
  readonly text: string;
  readonly cargoConfig?: string;
  /** As `shown` writes it. */
  readonly says: readonly string[];
}

export const A64 = "a1".repeat(32);
export const B64 = "b2".repeat(32);
export const C40 = "c3".repeat(20);
export const D32 = "d4".repeat(16);
export const E128 = "e5".repeat(64);

/** 32 bytes of 0xf6. */
const F6_BASE64 = btoa("\xf6".repeat(32));
const G7_BASE64 = btoa("\x97".repeat(64));

/** Real lists in small, with what is odd in them. */
export const LIST_SAMPLES: readonly ListSample[] = [
  {
    name: "InRelease: the best of several, by name and by hash",
    format: "apt-release",
    key: "/debian/dists/sid/InRelease",
    text: `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: Debian\nMD5Sum:\n ${D32}` +
      `      12 main/old\n ${D32} 34 main/binary-amd64/Packages.xz\nSHA256:\n ${A64}       34 ` +
      `main/binary-amd64/Packages.xz\n nonsense\n ${A64} x bad\nValid: yes\n ${B64} 1 no/list\n`,
    says: [
      "/debian/dists/sid/main/old md5 d4d4 12",
      `/debian/dists/sid/main/by-hash/MD5Sum/${D32} md5 d4d4 12 /debian/dists/sid/main/old`,
      "/debian/dists/sid/main/binary-amd64/Packages.xz sha256 a1a1 34",
      `/debian/dists/sid/main/binary-amd64/by-hash/MD5Sum/${D32} sha256 a1a1 34 ` +
      "/debian/dists/sid/main/binary-amd64/Packages.xz",
      `/debian/dists/sid/main/binary-amd64/by-hash/SHA256/${A64} sha256 a1a1 34 ` +
      "/debian/dists/sid/main/binary-amd64/Packages.xz",
    ],
  },
  {
    name: "Packages: relative to the folder of dists, odd names escaped, fields in any case",
    format: "apt-packages",
    key: "/debian/dists/sid/main/binary-amd64/Packages",
    text:
      `Package: g++\nFilename: pool/main/g/g++_1%2~é.deb\nSize: 7\nMD5sum: ${D32}\nSHA256: ${A64}` +
      `\nDescription: x\n Filename: pool/wrong\n\nPackage: b\nfilename: pool/b.deb\nSHA1: ${C40}\n\n` +
      `Package: without a digest\nFilename: pool/c.deb\nSize: 1\n\n` +
      `Filename: ../../etc/passwd\nSHA256: ${A64}\n\nFilename: pool/d.deb\nSHA512: ${E128}\nSize: 9`,
    says: [
      "/debian/pool/main/g/g++_1%252~%C3%A9.deb sha256 a1a1 7",
      "/debian/pool/b.deb sha1 c3c3 ?",
      "/debian/pool/d.deb sha512 e5e5 9",
    ],
  },
  {
    name: "Packages of a flat repository: relative to its own folder",
    format: "apt-packages",
    key: "/flat/Packages",
    text: `Filename: ./a.deb\r\nSHA256: ${A64}\r\nSize: 1\r\n\r\n`,
    says: ["/flat/a.deb sha256 a1a1 1"],
  },
  {
    name: "Sources: all files of each package",
    format: "apt-sources",
    key: "/debian/dists/sid/main/source/Sources",
    text: `Package: a\nFiles:\n ${D32} 5 a.dsc\n ${D32} 6 a.tar.xz\nChecksums-Sha256:\n ${A64} 5 ` +
      `a.dsc\n ${B64} 6 a.tar.xz\nDirectory: pool/main/a/a\n\nPackage: b\nDirectory: pool/b\n` +
      `Files:\n ${D32} 7 b.dsc\n`,
    says: [
      "/debian/pool/main/a/a/a.dsc sha256 a1a1 5",
      "/debian/pool/main/a/a/a.tar.xz sha256 b2b2 6",
      "/debian/pool/b/b.dsc md5 d4d4 7",
    ],
  },
  {
    name: "repomd.xml",
    format: "rpm-repomd",
    key: "/fedora/x86_64/repodata/repomd.xml",
    text: `<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1` +
      `</revision><data type="primary"><checksum type="sha256">${A64}</checksum><open-checksum ` +
      `type="sha256">${B64}</open-checksum><location href="repodata/p-primary.xml.gz"/><size>12` +
      `</size><open-size>99</open-size></data><data type="group"><checksum type="sha">${C40}` +
      `</checksum><location href="repodata/comps.xml"/></data></repomd>`,
    says: [
      "/fedora/x86_64/repodata/p-primary.xml.gz sha256 a1a1 12",
      "/fedora/x86_64/repodata/comps.xml sha1 c3c3 ?",
    ],
  },
  {
    name: "primary.xml: only what is directly in a package counts",
    format: "rpm-primary",
    key: "/m/os/repodata/p-primary.xml.gz",
    text: `<metadata packages="2"><package type="rpm"><name>a</name><checksum type="sha256" ` +
      `pkgid="YES">\n${A64}\n</checksum><size package="77" installed="1" archive="2"/><location ` +
      `href="Packages/a/a-1&amp;2~rc1^.rpm"/><format><checksum type="sha256">${B64}</checksum>` +
      `<location href="wrong"/></format></package><package><checksum type="sha256">${B64}` +
      `</checksum><location xml:base="http://mirror.example.org/other" href="b.rpm"/></package>` +
      `<package><checksum type="sha256">${B64}</checksum><location ` +
      `xml:base="http://elsewhere.example.org/" href="c.rpm"/></package></metadata>`,
    says: [
      "/m/os/Packages/a/a-1&2~rc1%5E.rpm sha256 a1a1 77",
      "/m/other/b.rpm sha256 b2b2 ?",
    ],
  },
  {
    name: "a simple index in HTML, with metadata and yanked files",
    format: "simple-index",
    key: "/m/simple/foo/",
    text:
      `\n <!DOCTYPE html><html><head><meta name="x"><title>foo</title></head><body><!-- <a href=` +
      `"../no#sha256=${A64}"> --><a href="../../packages/foo-1.whl#sha256=${A64}" ` +
      `data-requires-python="&gt;=3.8" data-dist-info-metadata="sha256=${B64}" ` +
      `data-core-metadata="sha256=${B64}">foo</a><br><a data-yanked="" href='http://mirror.example` +
      `.org/f/foo%202.tar.gz#md5=${D32}'>x</a><a href="nohash.whl">y</a><A HREF=` +
      `"http://elsewhere.example.org/z.whl#sha256=${A64}">z</A>`,
    says: [
      "/m/packages/foo-1.whl sha256 a1a1 ?",
      "/m/packages/foo-1.whl.metadata sha256 b2b2 ?",
      "/m/f/foo%202.tar.gz md5 d4d4 ?",
    ],
  },
  {
    name: "a simple index in JSON",
    format: "simple-index",
    key: "/m/simple/foo/",
    text: JSON.stringify({
      meta: { "api-version": "1.1" },
      files: [
        {
          filename: "foo-1.whl",
          url: "../../p/foo-1.whl",
          hashes: { md5: D32, sha256: A64 },
          size: 8,
          "core-metadata": { sha256: B64 },
        },
        { url: "/p/foo-2.whl", hashes: { sha512: E128 }, "core-metadata": true, size: -1 },
        { url: "/p/foo-3.whl", hashes: {} },
        null,
      ],
    }),
    says: [
      "/m/p/foo-1.whl sha256 a1a1 8",
      "/m/p/foo-1.whl.metadata sha256 b2b2 ?",
      "/m/p/foo-2.whl sha512 e5e5 ?",
    ],
  },
  {
    name: "npm: integrity, and shasum where there is nothing better",
    format: "npm-metadata",
    key: "/m/@a%2Fb",
    text: JSON.stringify({
      name: "@a/b",
      versions: {
        "1.0.0": {
          dist: { tarball: "http://mirror.example.org/@a/b/-/b-1.0.0.tgz", shasum: C40 },
        },
        "2.0.0": {
          dist: {
            tarball: "http://mirror.example.org/@a/b/-/b-2.0.0.tgz",
            integrity: `sha1-xxx sha512-${G7_BASE64}`,
            shasum: C40,
          },
        },
        "3.0.0": { dist: { tarball: 5, integrity: `sha512-${G7_BASE64}` } },
        "4.0.0": {},
      },
    }),
    says: [
      "/m/@a/b/-/b-1.0.0.tgz sha1 c3c3 ?",
      "/m/@a/b/-/b-2.0.0.tgz sha512 9797 ?",
    ],
  },
  {
    name: "cargo's index",
    format: "cargo-index",
    key: "/m/se/rd/serde",
    cargoConfig: `{"dl": "http://mirror.example.org/crates"}`,
    text: `{"name":"serde","vers":"1.0.0+x","cksum":"${A64}"}\n{"vers":"2"}\nnonsense\n` +
      `{"name":"serde","vers":"1.0.1","cksum":"${B64}"}`,
    says: [
      "/m/crates/serde/1.0.0+x/download sha256 a1a1 ?",
      "/m/crates/serde/1.0.1/download sha256 b2b2 ?",
    ],
  },
  {
    name: "cargo's index with markers",
    format: "cargo-index",
    key: "/m/ab/cd/abcd",
    cargoConfig:
      `{"dl": "http://mirror.example.org/{prefix}/{lowerprefix}/{crate}-{version}.crate"}`,
    text: `{"name":"AbCd","vers":"1.0.0","cksum":"${A64}"}\n`,
    says: ["/m/Ab/Cd/ab/cd/AbCd-1.0.0.crate sha256 a1a1 ?"],
  },
  {
    name: "go's checksum database",
    format: "go-sumdb",
    key: "/go/sumdb/sum.example.org/lookup/example.org/!big@v1.0.0",
    text: `123\nexample.org/Big v1.0.0 h1:${F6_BASE64}\nexample.org/Big v1.0.0/go.mod ` +
      `h1:${F6_BASE64}\n\ngo.sum database tree\n456\n${F6_BASE64}\n\n— sum.example.org Az3gr\n`,
    says: [
      "/go/example.org/!big/@v/v1.0.0.zip h1 f6f6 ?",
      "/go/example.org/!big/@v/v1.0.0.mod h1 f6f6 ?",
    ],
  },
  {
    name: "narinfo",
    format: "narinfo",
    key: "/m/abc.narinfo",
    text: `StorePath: /nix/store/abc-x\nURL: nar/x.nar.xz\nCompression: xz\nFileHash: sha256:` +
      `1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s\nFileSize: 5\nNarHash: sha256:x\n`,
    says: ["/m/nar/x.nar.xz sha256 ba78 5"],
  },
  {
    name: "a checksum of maven, with a name behind it",
    format: "maven-checksum",
    key: "/m2/a/a-1.jar.sha1",
    text: `${C40.toUpperCase()}  a-1.jar\n`,
    says: ["/m2/a/a-1.jar sha1 c3c3 ?"],
  },
  {
    name: "the compact index of rubygems",
    format: "rubygems-index",
    key: "/gems/info/foo",
    text:
      `---\n1.0.0 |checksum:${A64}\n1.1.0-java bar:>= 1&< 2,baz:~> 3|checksum:${B64},ruby:>= 2.7\n` +
      `2.0.0 bar:>= 1|ruby:>= 3\n3.0.0 |ruby:>= 3,checksum:${B64}\n`,
    says: [
      "/gems/gems/foo-1.0.0.gem sha256 a1a1 ?",
      "/gems/gems/foo-1.1.0-java.gem sha256 b2b2 ?",
      "/gems/gems/foo-3.0.0.gem sha256 b2b2 ?",
    ],
  },
  {
    name: "a database of pacman",
    format: "pacman-db",
    key: "/arch/core/os/x86_64/core.db",
    text: tarText({
      "a-1-1/": "",
      "a-1-1/desc":
        `%FILENAME%\na-1:2-1.pkg.tar.zst\n\n%CSIZE%\n9\n\n%MD5SUM%\n${D32}\n\n%SHA256SUM%\n${A64}\n\n`,
      "a-1-1/files": "%FILES%\n".repeat(200),
      "b-1-1/desc": `%FILENAME%\nb.pkg.tar.xz\n\n%MD5SUM%\n${D32}\n`,
    }),
    says: [
      "/arch/core/os/x86_64/a-1:2-1.pkg.tar.zst sha256 a1a1 9",
      "/arch/core/os/x86_64/b.pkg.tar.xz md5 d4d4 ?",
    ],
  },
];

/** A tar as one character for each byte; what nobody reads in the headers is left out. */
export function tarText(files: Readonly<Record<string, string>>): string {
  const blocks = Object.entries(files).map(([name, content]) => {
    const header = name.padEnd(124, "\0") + content.length.toString(8).padStart(11, "0") + "\0";
    const padded = Math.ceil(content.length / 512) * 512;
    return header.padEnd(512, "\0") + content.padEnd(padded, "\0");
  });
  return blocks.join("") + "\0".repeat(1024);
}
