import { assertEquals } from "@std/assert";
import { isReleaseName, parseReleaseIndex } from "../../src/decide/release_index.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);

Deno.test("the files of a signed list are those under its SHA-256", () => {
  const text = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
MD5Sum:
 ${"c".repeat(32)}     1 main/md5-only
SHA256:
 ${A}  1234567 main/binary-amd64/Packages.xz
 ${B}        0 main/a file with spaces
SHA512:
 ${"d".repeat(128)} 5 main/sha512-only
-----BEGIN PGP SIGNATURE-----

 ${A} 9 not/of/the/list
-----END PGP SIGNATURE-----
`;
  for (const written of [text, text.replaceAll("\n", "\r\n")]) {
    assertEquals([...parseReleaseIndex(written) ?? []], [
      ["main/binary-amd64/Packages.xz", { sha256: A, size: 1_234_567 }],
      ["main/a file with spaces", { sha256: B, size: 0 }],
    ]);
  }
});

Deno.test("a list that is none, or has no such digests, is null", () => {
  for (
    const text of ["", "<html>", "SHA256:\n", `MD5Sum:\n ${A} 1 x\n`, `SHA256:\n ${A} one x\n`]
  ) assertEquals(parseReleaseIndex(text), null, text);
});

Deno.test("lists of apt are known by their names", () => {
  const examples: [path: string, isRelease: boolean][] = [
    ["/dists/sid/InRelease", true],
    ["/dists/sid/Release", true],
    ["/dists/sid/Release.gpg", false],
    ["/dists/sid/OutRelease", false],
    ["/arch/core.db", false],
  ];
  for (const [path, isRelease] of examples) assertEquals(isReleaseName(path), isRelease, path);
});
