import { assertEquals } from "@std/assert";
import { candidateGroups } from "../../src/decide/candidates.ts";
import { type ArrivedTarget, type Reach, routeRequest } from "../../src/decide/route_request.ts";
import { compilePattern } from "../../src/config/go_pattern.ts";
import { upstream } from "../support/facts.ts";

const SECURE = upstream({ name: "s", server: "https://secure.example/debian", mount: "/debian" });
const PLAIN = upstream({ name: "p", server: "http://plain.example/pub/debian", mount: "/debian" });
const MAPPED = upstream({
  name: "m",
  server: "http://mapped.example/pub",
  mapping: { match: compilePattern("^/m/(.*)"), replace: "/$1" },
  mount: null,
});
const ODD_PORT = upstream({ name: "o", server: "http://odd.example:8080", mount: "/odd" });

const REACH: Reach = {
  upstreams: [SECURE, PLAIN, MAPPED, ODD_PORT],
  allow: ["*.allowed.example", "ported.example:8080", "203.0.113.5", "10.0.0.5:8080", "8.8.8.8"],
  ownNames: new Set(["localhost", "127.0.0.1"]),
  publicUrl: "https://cache.example/prefix",
};

function route(url: string, more: Partial<ArrivedTarget> = {}): string {
  const form = url.startsWith("/") ? "origin" : "absolute";
  const whole = form === "origin" ? `http://cache${url}` : url;
  const local = { hostname: "192.0.2.1", port: 8881 };
  const host = form === "origin" ? "cache" : /:\/\/([^/?#]*)/.exec(url)?.[1] ?? null;
  const found = routeRequest({ url: whole, form, host, local, ...more }, REACH);
  if (found.kind === "refused") return String(found.status);
  return `${found.via} ${found.target.key}`;
}

Deno.test("where a request leads", () => {
  const table: [url: string, route: string][] = [
    ["/debian/x", "own /debian/x"],
    ["/pub/debian/x", "own /pub/debian/x"],
    ["http://plain.example/pub/debian/x?y=1", "mirror /debian/x?y=1"],
    ["http://PLAIN.example:80/pub/debian/x", "mirror /debian/x"],
    ["http://secure.example/debian/x", "mirror /debian/x"],
    ["https://secure.example/debian/x", "mirror /debian/x"],
    ["http://HTTPS///secure.example/debian/x?y", "mirror /debian/x?y"],
    ["http://https///secure.example:443/debian/x", "mirror /debian/x"],
    ["/HTTPS///secure.example/debian/x?y", "mirror /debian/x?y"],
    ["/https///secure.example/debian/x", "mirror /debian/x"],
    // Who asks for TLS gets it.
    ["http://HTTPS///plain.example/pub/debian/x", "403"],
    ["http://plain.example:8080/pub/debian/x", "403"],
    ["http://plain.example/other/x", "403"],
    ["http://odd.example:8080/x", "mirror /odd/x"],
    ["http://odd.example/x", "403"],
    ["http://mapped.example/m/x", "mirror /m/x"],
    ["http://mapped.example:8080/m/x", "403"],
    ["http://localhost:8881/debian/x", "own /debian/x"],
    ["http://192.0.2.1:8881/debian/x", "own /debian/x"],
    ["http://192.0.2.1:80/debian/x", "403"],
    ["http://localhost/debian/x", "403"],
    ["https://cache.example/debian/x", "own /debian/x"],
    ["http://cache.example/debian/x", "403"],
    ["http://a.allowed.example/x%7e?y", "forward /.forward/http/a.allowed.example/x~?y"],
    ["http://a.allowed.example", "forward /.forward/http/a.allowed.example/"],
    ["http://A.ALLOWED.example:80/x", "forward /.forward/http/a.allowed.example/x"],
    ["https://a.allowed.example/x", "forward /.forward/https/a.allowed.example/x"],
    ["http://HTTPS///a.allowed.example/x", "forward /.forward/https/a.allowed.example/x"],
    ["http://a.allowed.example:8080/x", "403"],
    ["http://a.allowed.example:443/x", "403"],
    ["http://allowed.example/x", "403"],
    ["http://a.allowed.example.evil/x", "403"],
    ["http://ported.example:8080/x", "forward /.forward/http/ported.example:8080/x"],
    ["http://ported.example/x", "403"],
    ["http://8.8.8.8/x", "forward /.forward/http/8.8.8.8/x"],
    // Not public, and listed itself.
    ["http://203.0.113.5/x", "forward /.forward/http/203.0.113.5/x"],
    ["http://10.0.0.5:8080/x", "forward /.forward/http/10.0.0.5:8080/x"],
    ["http://10.0.0.5/x", "403"],
    ["http://HTTPS///10.0.0.5:8080/x", "forward /.forward/https/10.0.0.5:8080/x"],
    ["http://a.allowed.example/../x", "400"],
    [
      "http://a.allowed.example/.forward/http/x/y",
      "forward /.forward/http/a.allowed.example/.forward/http/x/y",
    ],
    ["/.forward/http/a.allowed.example/x", "403"],
    ["http://localhost:8881/.forward/http/a.allowed.example/x", "403"],
    ["/.forwarded/x", "own /.forwarded/x"],
  ];
  for (const [url, expected] of table) assertEquals(route(url), expected, url);
});

Deno.test("two names for one host are refused where nobody vouches for either", () => {
  assertEquals(route("http://a.allowed.example/x", { host: "b.allowed.example" }), "400");
  assertEquals(
    route("http://a.allowed.example/x", { host: null }),
    "forward /.forward/http/a.allowed.example/x",
  );
  assertEquals(route("http://plain.example/pub/debian/x", { host: "x" }), "mirror /debian/x");
});

Deno.test("a forwarded path has one candidate, asked for as the client spelled it", () => {
  const table: [url: string, asked: string][] = [
    ["http://a.allowed.example/x%7e+%2b?y", "http://a.allowed.example/x%7e+%2b?y"],
    ["http://ported.example:8080//x/", "http://ported.example:8080//x/"],
    ["http://HTTPS///a.allowed.example/x", "https://a.allowed.example/x"],
  ];
  for (const [url, asked] of table) {
    const local = null;
    const host = null;
    const found = routeRequest({ url, form: "absolute", host, local }, REACH);
    if (found.kind === "refused") throw new Error(found.reason);
    const all = upstream({ server: "http://all.example", mount: "" });
    const urls = candidateGroups(found.target, [all]).flat().map(({ url }) => url);
    assertEquals(urls, [asked]);
  }
});

Deno.test("an IPv6 address finds its way into a path and back", () => {
  const reach = { ...REACH, allow: ["[2606:4700::1]:8080"] };
  const url = "http://[2606:4700:0::1]:8080/x";
  const found = routeRequest({ url, form: "absolute", host: null, local: null }, reach);
  if (found.kind === "refused") throw new Error(found.reason);
  assertEquals(found.target.key, "/.forward/http/%5B2606:4700::1%5D:8080/x");
  const [candidate] = candidateGroups(found.target, []).flat();
  assertEquals(candidate?.url, "http://[2606:4700::1]:8080/x");
});
