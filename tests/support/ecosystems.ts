import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { bytesOf, sha256 } from "./body.ts";
import { releaseText } from "./apt_suite.ts";
import { zipOf } from "./zip_of.ts";

/** A repository in small: a package, and the lists that say what is in it. */
export interface SmallRepository {
  readonly preset: string;
  /** Below the mirror's base URL, in the order in which a client asks for them. */
  readonly lists: readonly string[];
  readonly file: string;
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** Makes a repository of an ecosystem around the bytes of a package. */
export type MakeRepository = (bytes: Uint8Array<ArrayBuffer>, base: string) => SmallRepository;

/** By ecosystem. `base` is the URL that the mirror's absolute links begin with. */
export const REPOSITORIES: Readonly<Record<string, MakeRepository>> = {
  apt: (bytes) => {
    const file = "/pool/h/hello_1.0~1+b1_amd64.deb";
    const packages = gzipSync(
      `Package: hello\nFilename: ${file.slice(1)}\nSize: ${bytes.length}\nSHA256: ${
        sha256(bytes)
      }\n`,
    );
    return apt(file, bytes, "main/binary-amd64/Packages.gz", packages);
  },
  "apt by-hash": (bytes) => {
    const file = "/pool/h/hello_1.0_amd64.deb";
    const packages = zstdCompressSync(
      `Package: hello\nFilename: ${file.slice(1)}\nSHA256: ${sha256(bytes)}\n`,
    );
    const repository = apt(file, bytes, "main/binary-amd64/Packages.zst", packages);
    const byHash = `/dists/sid/main/binary-amd64/by-hash/SHA256/${sha256(own(packages))}`;
    return {
      ...repository,
      lists: ["/dists/sid/InRelease", byHash],
      files: new Map([...repository.files, [byHash, own(packages)]]),
    };
  },
  "apt source": (bytes) => {
    const text = `Package: a\nDirectory: pool/a\nChecksums-Sha256:\n ${sha256(bytes)} ` +
      `${bytes.length} a_1.dsc\n`;
    return apt("/pool/a/a_1.dsc", bytes, "main/source/Sources.gz", gzipSync(text));
  },
  "a list by its hash": (bytes) => {
    const byHash = `/dists/sid/main/by-hash/SHA256/${sha256(bytes)}`;
    return { preset: "apt", lists: [], file: byHash, files: new Map([[byHash, bytes]]) };
  },
  rpm: (bytes) => {
    const primary = gzipSync(
      `<metadata><package type="rpm"><checksum type="sha256" pkgid="YES">${sha256(bytes)}` +
        `</checksum><size package="${bytes.length}"/><location href="Packages/h/hello-1-1.rpm"/>` +
        `</package></metadata>`,
    );
    const name = `/repodata/${sha256(own(primary))}-primary.xml.gz`;
    const repomd = `<repomd><data type="primary"><checksum type="sha256">${sha256(own(primary))}` +
      `</checksum><location href="${
        name.slice(1)
      }"/><size>${primary.length}</size></data></repomd>`;
    return repository("rpm", "/Packages/h/hello-1-1.rpm", bytes, {
      "/repodata/repomd.xml": bytesOf(repomd),
      [name]: own(primary),
    });
  },
  pypi: (bytes, base) =>
    repository("pypi", "/packages/foo-1.0-py3-none-any.whl", bytes, {
      "/simple/foo/": bytesOf(
        `<a href="${base}/packages/foo-1.0-py3-none-any.whl#sha256=${sha256(bytes)}">foo</a>`,
      ),
    }),
  "pypi in JSON": (bytes) =>
    repository("pypi", "/packages/foo-1.0.tar.gz", bytes, {
      "/simple/foo/": bytesOf(JSON.stringify({
        files: [{ url: "../../packages/foo-1.0.tar.gz", hashes: { sha256: sha256(bytes) } }],
      })),
    }),
  "pypi's metadata": (bytes) =>
    repository("pypi", "/packages/foo-1.0-py3-none-any.whl.metadata", bytes, {
      "/simple/foo/": bytesOf(
        `<a href="../../packages/foo-1.0-py3-none-any.whl" data-core-metadata="sha256=` +
          `${sha256(bytes)}">foo</a>`,
      ),
    }),
  npm: (bytes, base) => {
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const tarball = `${base}/foo/-/foo-1.0.0.tgz`;
    return repository("npm", "/foo/-/foo-1.0.0.tgz", bytes, {
      "/foo": bytesOf(JSON.stringify({ versions: { "1.0.0": { dist: { tarball, integrity } } } })),
    });
  },
  "npm of old": (bytes, base) => {
    const shasum = createHash("sha1").update(bytes).digest("hex");
    const tarball = `${base}/@a/foo/-/foo-1.0.0.tgz`;
    return repository("npm", "/@a/foo/-/foo-1.0.0.tgz", bytes, {
      "/@a%2ffoo": bytesOf(
        JSON.stringify({ versions: { "1.0.0": { dist: { tarball, shasum } } } }),
      ),
    });
  },
  cargo: (bytes, base) =>
    repository("cargo", "/crates/serde/1.0.0/download", bytes, {
      "/config.json": bytesOf(JSON.stringify({ dl: `${base}/crates` })),
      "/se/rd/serde": bytesOf(
        `${JSON.stringify({ name: "serde", vers: "1.0.0", cksum: sha256(bytes) })}\n`,
      ),
    }),
  go: (bytes) => {
    const zip = zipOf([["example.org/x@v1.0.0/go.mod", bytesOf("module x\n")], [
      "example.org/x@v1.0.0/a.go",
      bytes,
    ]]);
    return repository("go", "/example.org/x/@v/v1.0.0.zip", zip, {
      "/sumdb/sum.example.org/lookup/example.org/x@v1.0.0": bytesOf(
        `1\nexample.org/x v1.0.0 h1:${
          h1([["example.org/x@v1.0.0/a.go", bytes], [
            "example.org/x@v1.0.0/go.mod",
            bytesOf("module x\n"),
          ]])
        }\n\n`,
      ),
    });
  },
  "go.mod": (bytes) =>
    repository("go", "/example.org/!x/@v/v1.0.0.mod", bytes, {
      "/sumdb/sum.example.org/lookup/example.org/!x@v1.0.0": bytesOf(
        `1\nexample.org/X v1.0.0/go.mod h1:${h1([["go.mod", bytes]])}\n\n`,
      ),
    }),
  nix: (bytes) =>
    repository("nix", "/nar/abc.nar.xz", bytes, {
      "/0123456789abcdfghijklmnpqrsvwxyz.narinfo": bytesOf(
        `StorePath: /nix/store/x\nURL: nar/abc.nar.xz\nFileHash: sha256:${
          nixBase32(createHash("sha256").update(bytes).digest())
        }\nFileSize: ${bytes.length}\n`,
      ),
    }),
  oci: (bytes) => {
    const blob = `/library/hello/blobs/sha256:${sha256(bytes)}`;
    return { preset: "oci", lists: [], file: blob, files: new Map([[blob, bytes]]) };
  },
  maven: (bytes) =>
    repository("maven", "/org/example/a/1.0/a-1.0.jar", bytes, {
      "/org/example/a/1.0/a-1.0.jar.sha1": bytesOf(createHash("sha1").update(bytes).digest("hex")),
    }),
  rubygems: (bytes) =>
    repository("rubygems", "/gems/foo-1.0.0.gem", bytes, {
      "/info/foo": bytesOf(`---\n1.0.0 |checksum:${sha256(bytes)}\n`),
    }),
  pacman: (bytes) => {
    const desc = `%FILENAME%\na-1-1-any.pkg.tar.zst\n\n%SHA256SUM%\n${sha256(bytes)}\n`;
    const header = new Uint8Array(512);
    header.set(bytesOf("a-1-1/desc"));
    header.set(bytesOf(desc.length.toString(8).padStart(11, "0")), 124);
    const tar = new Uint8Array(2048);
    tar.set(header);
    tar.set(bytesOf(desc), 512);
    return repository("pacman", "/core/os/x86_64/a-1-1-any.pkg.tar.zst", bytes, {
      "/core/os/x86_64/core.db": own(gzipSync(tar)),
    });
  },
};

function repository(
  preset: string,
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  lists: Readonly<Record<string, Uint8Array<ArrayBuffer>>>,
): SmallRepository {
  const files = new Map([...Object.entries(lists), [file, bytes] as const]);
  return { preset, lists: Object.keys(lists), file, files };
}

function apt(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  list: string,
  packed: Uint8Array,
): SmallRepository {
  return repository("apt", file, bytes, {
    "/dists/sid/InRelease": bytesOf(releaseText(new Map([[list, own(packed)]]))),
    [`/dists/sid/${list}`]: own(packed),
  });
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

/** https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1, of files in the order of their names. */
export function h1(files: readonly (readonly [string, Uint8Array])[]): string {
  const hash = createHash("sha256");
  for (const [name, bytes] of files) hash.update(`${sha256(bytes)}  ${name}\n`);
  return hash.digest("base64");
}

/** https://nix.dev/manual/nix/latest/protocols/nix-base32 */
function nixBase32(bytes: Uint8Array): string {
  const digits = "0123456789abcdfghijklmnpqrsvwxyz";
  const bit = (at: number): number => (bytes[at >> 3] ?? 0) >> (at & 7) & 1;
  const length = Math.ceil(bytes.length * 8 / 5);
  return Array.from({ length }, (_, n) => {
    const first = (length - 1 - n) * 5;
    const value = [0, 1, 2, 3, 4].reduce((sum, i) => sum | bit(first + i) << i, 0);
    return digits[value];
  }).join("");
}
