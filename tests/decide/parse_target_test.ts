import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_TARGET_BYTES, type ParsedTarget, parseTarget } from "../../src/decide/parse_target.ts";
import type { Target } from "../../src/types.ts";

function parse(target: string): ParsedTarget {
  return parseTarget(`http://h:1${target}`, "h:1");
}

function accept(target: string): Target {
  const parsed = parse(target);
  assert(parsed.kind === "target", `${target}: ${JSON.stringify(parsed)}`);
  return parsed.target;
}

function statusOf(parsed: ParsedTarget): number | "target" {
  return parsed.kind === "target" ? "target" : parsed.status;
}

Deno.test("spellings of one path have one canonical path, and the raw one is kept", () => {
  const table: [raw: string, path: string][] = [
    ["/", "/"],
    ["/debian/dists/", "/debian/dists/"],
    ["/~user/a-b_c.d", "/~user/a-b_c.d"],
    ["/%7Euser/%61%2D", "/~user/a-"],
    ["/g++_1%3A2%2b3", "/g++_1:2+3"],
    ["/!$&'()*+,;=:@", "/!$&'()*+,;=:@"],
    ["/a%20b", "/a%20b"],
    ["/a%2fb%2F", "/a/b/"],
    ["//x//y", "//x//y"],
    ["/a%3Fb%23c%25d", "/a%3Fb%23c%25d"],
    ["/100%25.deb", "/100%25.deb"],
    ["/%252f", "/%252f"],
    ['/"<>[]^`{|}', "/%22%3C%3E%5B%5D%5E%60%7B%7C%7D"],
    ["/é", "/%C3%A9"],
    ["/%c3%a9", "/%C3%A9"],
    // Half a surrogate pair has no UTF-8 form.
    ["/\ud800", "/%EF%BF%BD"],
    ["/😀", "/%F0%9F%98%80"],
    ["/%ff", "/%FF"],
    ["/%EF%BB%BFa", "/%EF%BB%BFa"],
    ["/http:///x", "/http:///x"],
    ["/.../..a/b../.c", "/.../..a/b../.c"],
  ];
  for (const [raw, path] of table) {
    assertEquals(accept(raw), { key: path, path, rawPath: raw, query: "" }, raw);
  }
});

Deno.test("the query is kept as written and belongs to the key, an empty one does not", () => {
  const table: [raw: string, key: string, query: string][] = [
    ["/%61?b=%7e&c=../x", "/a?b=%7e&c=../x", "?b=%7e&c=../x"],
    ["/a?", "/a", ""],
    ["/a??", "/a??", "??"],
    ["/a?x%5Cy%2F", "/a?x%5Cy%2F", "?x%5Cy%2F"],
    ["/a?é", "/a?é", "?é"],
  ];
  for (const [raw, key, query] of table) {
    const target = accept(raw);
    assertEquals([target.key, target.path, target.query], [key, "/a", query], raw);
  }
});

Deno.test("what could leave the tree or confuse an upstream is refused with 400", () => {
  const table = [
    ..."/.. /. /../ /./ /../etc/passwd /a/../b /a/./b /a/.. /a/. //../x".split(" "),
    ..."/%2e%2e/x /%2E%2E /.%2e/x /%2e./x /a/%2e /a%2f..%2fb /a%2F%2E%2E%2Fb".split(" "),
    ..."/%252e%252e/x /..%252fx /%25252e%25252e/x /%2525252e%2525252e /a%252f..".split(" "),
    ..."/%25%32%65%25%32%65/ /%25%32e%25%32e/x".split(" "),
    ..."/a\\b /..\\x /a%5Cb /a%5cb /..%5c..%5cx /a%255cb /a%25255Cb /x?a\\b".split(" "),
    ..."/%00 /a%00.deb /a%2500 /a\0b /a%0Ab /a%0d%0aX-Y:z /a%7F /a%1f /a%250a".split(" "),
    "/a\tb",
    "/a\nb",
    "/a\x7fb",
    ..."/% /%4 /%zz /%g0 /%0g /a%u002e /x?% /x?%zz /%%32%65".split(" "),
    ..."/a#b /# /a?b#c #x".split(" "),
    ..."/x?%00 /x?a%0Ab /x?\0 /x?%7f".split(" "),
    "/x?a\nb",
  ];
  for (const raw of table) assertEquals(statusOf(parse(raw)), 400, JSON.stringify(raw));
});

Deno.test("overlong UTF-8 is refused, encoded twice too", () => {
  const table = [
    ..."/%C0%AE%C0%AE/x /%c0%ae%c0%ae%c0%af /..%c1%9csecret /%E0%80%AE%E0%80%AE/".split(" "),
    ..."/%F0%80%80%AE/ /%25C0%25AE".split(" "),
  ];
  for (const raw of table) assertEquals(statusOf(parse(raw)), 400, raw);
});

Deno.test("other encodings and look-alikes of dots are ordinary bytes", () => {
  const table: [raw: string, path: string][] = [
    ["/%C0/%E0%A0%80", "/%C0/%E0%A0%80"],
    ["/%F0%90%80%80", "/%F0%90%80%80"],
    ["/%EF%BC%8E%EF%BC%8E/", "/%EF%BC%8E%EF%BC%8E/"],
    ["/..;/x", "/..;/x"],
  ];
  for (const [raw, path] of table) assertEquals(accept(raw).key, path, raw);
});

Deno.test("a target over the bound is refused with 414, as sent and as key", () => {
  const fill = "a".repeat(MAX_TARGET_BYTES - 1);
  assertEquals(statusOf(parse(`/${fill}`)), "target");
  assertEquals(statusOf(parse(`/${fill}a`)), 414);
  assertEquals(statusOf(parse(`/?${fill.slice(1)}`)), "target");
  assertEquals(statusOf(parse(`/?${fill}`)), 414);
  assertEquals(statusOf(parse("/" + "%61".repeat(MAX_TARGET_BYTES / 2))), 414);
  // Within the bound as sent, three times as long when encoded.
  assertEquals(statusOf(parse("/" + '"'.repeat(MAX_TARGET_BYTES / 2))), 414);
});

Deno.test("a target in absolute form must name the host of the Host field", () => {
  const table: [url: string, host: string | null, expected: number | "target"][] = [
    ["http://h:1/x", "h:1", "target"],
    ["http://H:1/x", "h:1", "target"],
    ["http://h:80/x", "h", "target"],
    ["http://h/x", "h:80", "target"],
    ["http://h:/x", "h", "target"],
    ["https://h/x", "h:443", "target"],
    ["HTTPS://h/x", "h:443", "target"],
    ["http://h/x", "h:443", 421],
    ["http://[::1]:1/x", "[::1]:1", "target"],
    // Without a Host field the authority is what Deno made up, or HTTP/2's.
    ["http://localhost:4321/x", null, "target"],
    ["http://localhost:4321/x", "", "target"],
    ["http://deb.example:8080/x", "DEB.example:8080", "target"],
    ["http://deb.example/x", "h:1", 421],
    ["http://other.example/x", "h:1", 421],
    ["http://h:2/x", "h:1", 421],
    ["http://u:p@cache.example/x", "h:1", 400],
    ["http://u@h/x", "u@h", 400],
    ["http://u@h/x", null, 400],
    // Deno.serve joins a bad Host field and the path without a look.
    ["http://a/b/x", "a/b", 400],
    ["http://a?b/x", "a?b", 400],
    ["http://a#b/x", "a#b", 400],
    ["http://a b/x", "a b", 400],
    ["http://a\\b/x", "a\\b", 400],
    ["http://h:x/x", "h:x", 400],
    ["http://h:1:2/x", "h:1:2", 400],
    ["http:///x", null, 400],
    ["ftp://cache.example/x", "h:1", 400],
    ["/x", "h:1", 400],
    ["", null, 400],
  ];
  for (const [url, host, expected] of table) {
    assertEquals(statusOf(parseTarget(url, host)), expected, `${url} ${host}`);
  }
});

Deno.test("an absolute form without a path asks for the root", () => {
  for (const url of ["http://cache.example", "http://cache.example/"]) {
    const target = { key: "/", path: "/", rawPath: "/", query: "" };
    assertEquals(parseTarget(url, "cache.example"), { kind: "target", target });
  }
  const target = { key: "/?x", path: "/", rawPath: "/", query: "?x" };
  assertEquals(parseTarget("http://cache.example?x", "cache.example"), { kind: "target", target });
});

Deno.test("a refusal does not repeat a password", () => {
  const parsed = parseTarget("http://user:secret@h/x", "h");
  assert(parsed.kind === "refused" && !parsed.reason.includes("secret"));
});

/** Paths rich in what matters here, some of them well formed. */
function hostilePaths(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(
    ..."/ . .. %2e %2E %2f %5c %00 %25 25 2e 2f 32 65 a %61 %c3%a9 é %C0%AE ~ %7e + %2B ; :".split(
      " ",
    ),
  );
  const text = fc.oneof({ weight: 9, arbitrary: piece }, fc.string({ maxLength: 3 }));
  return fc.array(text, { maxLength: 12 }).map((pieces) => "/" + pieces.join(""));
}

Deno.test("the canonical path is its own canonical path, and plain ASCII", () => {
  fc.assert(
    fc.property(hostilePaths(), (raw) => {
      const parsed = parse(raw);
      if (parsed.kind === "refused") return;
      const { key, path } = parsed.target;
      assertEquals(accept(key).key, key);
      assertEquals(accept(path).path, path);
      assert(/^\/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/.test(path));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("any bytes that are accepted come back from the canonical path", () => {
  const bytes = fc.uint8Array({ min: 0x20, maxLength: 20 });
  fc.assert(
    fc.property(bytes, (array) => {
      const raw = Array.from(array, (byte) => "%" + byte.toString(16).padStart(2, "0")).join("");
      const parsed = parse("/" + raw);
      if (parsed.kind === "refused") return;
      const back: number[] = [];
      for (const [token] of parsed.target.path.slice(1).matchAll(/%..|./g)) {
        back.push(token.length === 3 ? parseInt(token.slice(1), 16) : token.charCodeAt(0));
      }
      assertEquals(back, [...array]);
    }),
    { numRuns: 2000 },
  );
});
