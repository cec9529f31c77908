import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { digestInPath } from "../../../src/decide/digests/digest_in_path.ts";
import { base64Digest, hexDigest, strongest } from "../../../src/decide/digests/digest.ts";
import { nixBase32ToHex } from "../../../src/decide/digests/nix_base32.ts";
import { cargoIndexRoot } from "../../../src/decide/digests/cargo_index.ts";
import { A64, C40, D32, E128, LIST_SAMPLES } from "./list_samples.ts";
import { readList, shown } from "./read_list.ts";

for (const { name, format, key, text, says, cargoConfig = null } of LIST_SAMPLES) {
  Deno.test(name, () => {
    assertEquals(shown(readList(format, key, text, { cargoConfig })), [...says]);
  });
}

Deno.test("however a list is cut into pieces, it says the same", () => {
  for (const { format, key, text, says, cargoConfig = null } of LIST_SAMPLES) {
    const ofPieces = fc.property(
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
      (pieces) => {
        assertEquals(shown(readList(format, key, text, { cargoConfig, pieces })), [...says]);
      },
    );
    fc.assert(ofPieces, { numRuns: 20 });
    assertEquals(shown(readList(format, key, text, { cargoConfig, pieces: [1] })), [...says]);
  }
});

Deno.test("whatever a list holds, reading it ends without an error", () => {
  const odd = fc.property(
    fc.constantFrom(...LIST_SAMPLES),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.nat(),
    ({ format, key, text, cargoConfig = null }, junk, at) => {
      const cut = at % text.length;
      readList(format, key, text.slice(0, cut) + junk + text.slice(cut), { cargoConfig });
      readList(format, key, text.slice(0, cut), { cargoConfig });
      readList(format, key, junk, { cargoConfig });
    },
  );
  fc.assert(odd, { numRuns: 40 });
});

Deno.test("a long JSON list that is read as a stream says what it would say at once", () => {
  const versions: Record<string, unknown> = {};
  for (let n = 0; n < 300; n++) {
    const tarball = `http://mirror.example.org/a/-/a-1.0.${n}.tgz`;
    versions[`1.0.${n}`] = { readme: "x".repeat(20_000), dist: { tarball, shasum: C40 } };
  }
  const says = shown(readList("npm-metadata", "/m/a", JSON.stringify({ versions })));
  assertEquals(says.length, 300);
  assertEquals(says.at(-1), "/m/a/-/a-1.0.299.tgz sha1 c3c3 ?");
});

Deno.test("a line without an end is not held in memory", () => {
  const line = "x".repeat(1024 * 1024);
  const text = `${line.repeat(9)}\nFilename: pool/a.deb\nSHA256: ${A64}\n`;
  const says = shown(readList("apt-packages", "/d/dists/x/Packages", text, { pieces: [65536] }));
  assertEquals(says, ["/d/pool/a.deb sha256 a1a1 ?"]);
});

Deno.test("digests in paths", () => {
  const table: readonly [string, string | null][] = [
    [`/debian/dists/sid/main/by-hash/SHA256/${A64}`, "sha256"],
    [`/debian/dists/sid/main/by-hash/SHA512/${E128}`, "sha512"],
    [`/debian/dists/sid/main/by-hash/SHA1/${C40}`, "sha1"],
    [`/debian/dists/sid/main/by-hash/MD5Sum/${D32}`, "md5"],
    [`/debian/dists/sid/main/by-hash/SHA256/${C40}`, null],
    [`/v2/library/x/blobs/sha256:${A64}`, "sha256"],
    [`/v2/library/x/manifests/sha256%3A${A64}`, "sha256"],
    [`/v2/library/x/blobs/sha512:${E128}`, "sha512"],
    [`/x/${A64}`, "sha256"],
    [`/x/${A64}-primary.xml.gz`, "sha256"],
    [`/x/${A64}/file`, null],
    [`/x/${A64}0`, null],
    [`/x/name-${A64}`, null],
    ["/v2/library/x/manifests/latest", null],
  ];
  for (const [path, algorithm] of table) {
    assertEquals(digestInPath(path)?.algorithm ?? null, algorithm, path);
  }
});

Deno.test("digests that are none", () => {
  assertEquals(hexDigest("sha256", C40), null);
  assertEquals(hexDigest("crc32", "12345678"), null);
  assertEquals(hexDigest("SHA-256", A64.toUpperCase()), { algorithm: "sha256", value: A64 });
  assertEquals(hexDigest("sha", C40)?.algorithm, "sha1");
  assertEquals(hexDigest("sha256", "g".repeat(64)), null);
  assertEquals(base64Digest("sha512", "AAAA"), null);
  assertEquals(base64Digest("sha512", "%"), null);
  assertEquals(strongest([hexDigest("md5", D32), null, hexDigest("sha1", C40)])?.algorithm, "sha1");
  assertEquals(strongest([]), null);
});

Deno.test("nix's base 32", () => {
  // Of "abc", as `nix-hash --type sha256 --to-base32` writes it.
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(nixBase32ToHex("1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s"), abc);
  assertEquals(nixBase32ToHex("e"), null);
  assertEquals(nixBase32ToHex("z".repeat(52)), null);
});

Deno.test("where cargo's index begins", () => {
  assertEquals(cargoIndexRoot("/c/se/rd/serde"), "/c/");
  assertEquals(cargoIndexRoot("/c/1/a"), "/c/");
  assertEquals(cargoIndexRoot("/2/ab"), "/");
  assertEquals(cargoIndexRoot("/c/3/a/abc"), "/c/");
  assertEquals(cargoIndexRoot("/c/config.json"), null);
});
