import { assert, assertEquals } from "@std/assert";
import { compilePattern } from "../../src/config/go_pattern.ts";
import { clientPathOf, matchesHost } from "../../src/decide/mounts.ts";
import type { Upstream } from "../../src/types.ts";
import { upstream } from "../support/facts.ts";

function mounted(server: string, mount: string | null, more: Partial<Upstream> = {}): Upstream {
  return { ...upstream(), name: server, server, mount, ...more };
}

const A = mounted("http://a.example/debian", "/debian");
const B = mounted("https://b.example:8443/pub/debian", "/debian");
const ROOT = mounted("https://root.example", "");
const FILES = mounted("https://files.example", "/files");
const INDEX = mounted("https://index.example/simple", "/pypi", {
  files: [{ host: "*.cdn.example", upstream: FILES.name }, {
    host: "files.example",
    upstream: "?",
  }],
});
const IDENTITY = mounted("https://i.example", null, {
  mapping: { match: compilePattern("^/(ubuntu|kali)/(.*)"), replace: "/$1/$2" },
});
const MOVED = mounted("https://m.example", null, {
  mapping: { match: compilePattern("^/moved/(.*)"), replace: "/$1" },
});
const ALL = [A, B, ROOT, FILES, INDEX, IDENTITY, MOVED];

Deno.test("a mirror's URL is the client's path below its mount", () => {
  const examples: [url: string, path: string | null][] = [
    ["http://a.example/debian/dists/sid/InRelease", "/debian/dists/sid/InRelease"],
    ["https://a.example/debian/x?y=1", "/debian/x?y=1"],
    ["http://A.EXAMPLE.:80/debian/a%2Bb", "/debian/a%2Bb"],
    ["https://b.example:8443/pub/debian/x", "/debian/x"],
    ["https://b.example/pub/debian/x", null],
    ["http://a.example/debian", null],
    ["http://a.example/debianx/y", null],
    ["http://a.example/other", null],
    ["https://root.example/any/thing", "/any/thing"],
    ["https://i.example/ubuntu/x", "/ubuntu/x"],
    ["https://i.example/debian/x", null],
    ["https://m.example/moved/x", null],
    ["https://unknown.example/x", null],
    ["ftp://a.example/debian/x", null],
    ["http://user@a.example/debian/x", null],
    ["http://a.example/debian/../../etc", null],
  ];
  for (const [url, path] of examples) {
    assertEquals(clientPathOf(new URL(url), ALL, null), path, url);
  }
});

Deno.test("where a link stands decides first, then what its upstream says of other hosts", () => {
  const twin = mounted("https://index.example/simple", "/other");
  const path = (url: string) => clientPathOf(new URL(url), [twin, ...ALL], INDEX);
  assertEquals(path("https://index.example/simple/pip/"), "/pypi/pip/");
  assertEquals(path("https://x.cdn.example/ab/c.whl"), "/files/ab/c.whl");
  assertEquals(path("https://x.cdn.example:444/ab/c.whl"), null);
  // The name is none of an upstream; the host is one's own.
  assertEquals(path("https://files.example/ab/c.whl"), "/files/ab/c.whl");
});

Deno.test("a host's pattern means its port, and the usual ones without one", () => {
  const examples: [url: string, pattern: string, fits: boolean][] = [
    ["https://a.example/", "a.example", true],
    ["http://a.example:443/", "a.example", true],
    ["http://a.example:8080/", "a.example", false],
    ["http://a.example:8080/", "a.example:8080", true],
    ["http://a.example/", "*", true],
    ["http://a.b.example/", "*.example", true],
    ["http://example/", "*.example", false],
    ["http://a.example.evil/", "*.example", false],
    ["http://[::1]:81/", "[::1]:81", true],
  ];
  for (const [url, pattern, fits] of examples) {
    assert(matchesHost(new URL(url), pattern) === fits, `${url} ${pattern}`);
  }
});
