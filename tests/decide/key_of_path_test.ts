import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { keyOfPath } from "../../src/decide/key_of_path.ts";
import { parseTarget } from "../../src/decide/parse_target.ts";
import { treePath } from "../../src/decide/tree_path.ts";

Deno.test("the key of a place is its path in canonical spelling", () => {
  const table: [path: string, key: string][] = [
    ["debian/pool/hello_2.10-3_amd64.deb", "/debian/pool/hello_2.10-3_amd64.deb"],
    ["a b", "/a%20b"],
    ["100%", "/100%25"],
    ["a?b#c", "/a%3Fb%23c"],
    ["é/😀", "/%C3%A9/%F0%9F%98%80"],
    ["libstdc++6_1:2~x@y!$&'()*,;=", "/libstdc++6_1:2~x@y!$&'()*,;="],
    ["\ufeffa", "/%EF%BB%BFa"],
    ["a/.cache-proxy", "/a/.cache-proxy"],
    ["n".repeat(255), "/" + "n".repeat(255)],
  ];
  for (const [path, key] of table) assertEquals(keyOfPath(path), key, path);
});

Deno.test("a place that no key has is left alone", () => {
  const paths = [
    "",
    "a/",
    "a//b",
    ".cache-proxy/index.db",
    "a/../b",
    "./a",
    "back\\slash",
    "new\nline",
    "nul\0",
    // What a request must not hide under several encodings, no file name may hold either.
    "%2e%2e/a",
    "half a \ud83d pair",
    "n".repeat(256),
    "d/".repeat(1500) + "a",
  ];
  for (const path of paths) assertEquals(keyOfPath(path), null, path.slice(0, 20));
});

const segment = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({
    unit: fc.constantFrom("a", ".", "%", "2", "e", "/", "\\", "?", "#", " ", "é", "😀"),
  }),
);

Deno.test("key and place belong together, whichever comes first", () => {
  fc.assert(fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
    const path = segments.join("/");
    const key = keyOfPath(path);
    if (key !== null) assertEquals(treePath(key), { kind: "tree", path });
  }));
  fc.assert(fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
    const sent = "/" + segments.map((text) => encodeURIComponent(text.toWellFormed())).join("/");
    const parsed = parseTarget(`http://localhost${sent}`, null);
    if (parsed.kind === "refused") return;
    const place = treePath(parsed.target.key);
    if (place.kind === "tree") assertEquals(keyOfPath(place.path), parsed.target.key);
  }));
});
