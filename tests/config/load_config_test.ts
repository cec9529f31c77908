import { assert, assertEquals, assertThrows } from "@std/assert";
import { compilePattern } from "../../src/config/go_pattern.ts";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Upstream } from "../../src/types.ts";

function load(text: string, variables: Readonly<Record<string, string>> = {}): Config {
  const { config, warnings } = loadConfig(text, (name) => variables[name]);
  assertEquals(warnings, []);
  return config;
}

function withUpstream(sections: string): string {
  return `upstream: [{server: https://mirror.example}]\n${sections}`;
}

/** The only upstream of a file in which it has these keys. */
function upstreamWith(keys: string): Upstream {
  const { upstreams: [upstream] } = load(
    `upstream:\n- {server: https://mirror.example, ${keys}}`,
  );
  assert(upstream !== undefined);
  return upstream;
}

Deno.test("one upstream with a server is enough, everything else has a default", () => {
  assertEquals(load(withUpstream("")), {
    listen: { address: "0.0.0.0", port: 8881, tls: null },
    upstreams: [{
      name: "mirror.example",
      server: "https://mirror.example",
      mapping: null,
      checkers: [{ statusCodes: [200], headers: [] }],
      allowedRedirect: null,
      priorityGroups: [],
      headers: [],
      proxy: null,
      allowMethods: [],
    }],
    misc: { firstChunkBytes: 0, chunkBytes: 1_048_576 },
    cache: {
      policies: [{
        match: compilePattern(""),
        refreshAfter: 3_600_000,
        staleIfErrorMs: null,
        staleWhileRevalidateMs: 0,
        negative: new Map([[404, 10_000], [410, 10_000]]),
      }],
      limits: {
        maxBytes: null,
        minFree: { kind: "share", value: 0.01 },
        inactiveMs: null,
        maxObjectBytes: null,
      },
      clientDirectives: "ignore",
      targetedDirectives: false,
      offline: false,
    },
    storage: { path: "./data", temporaryFilePattern: "temp.*", accel: null },
    fetch: { headTimeoutMs: 10_000, stallTimeoutMs: 15_000, maxFills: 256 },
    log: { level: "info", format: null },
  });
});

Deno.test("sections and keys without a value have their defaults", () => {
  const empty = load(withUpstream(
    "listen:\nmisc:\ncache: {timeout: , policies: }\nfetch: ~\nlog: {level: null}\n" +
      "storage: {type: , local: {path: , accel: }}\n",
  ));
  assertEquals(empty, load(withUpstream("")));
  const upstream = upstreamWith(
    "name: , path: {match: , replace: }, checkers: , allowed-redirect: , " +
      "priority-groups: , headers: , proxy: ",
  );
  assertEquals(upstream, upstreamWith(""));
  const strings = upstreamWith(
    'name: "", path: {match: "", replace: ""}, checkers: [], allowed-redirect: "", proxy: ""',
  );
  assertEquals(strings, upstreamWith(""));
});

Deno.test("every key arrives in the config", () => {
  const config = load(
    `
listen: {address: "::1", port: 0, tls: {cert: c.pem, key: k.pem}}
upstream:
- server: http://Mirror.example:8080/base/
  name: one
  path: {match: "^/(debian)/(.*)", replace: "/$1/$2"}
  checkers:
    status-codes: [200, 203]
    headers: [{name: Content-Type, match: ^application/}, {name: X-Any}]
  allowed-redirect: ^https://cdn\\.
  priority-groups: [{match: /dists/, priority: 10}, {match: /pool/, priority: -1}]
  headers: {Authorization: "Bearer \${TOKEN}"}
  proxy: socks5://proxy:1080
misc: {first-chunk-bytes: 1MiB, chunk-bytes: 65536}
cache:
  timeout: 2h
  policies: [{match: '\\.deb$', refresh-after: never}, {match: a}, {match: b, refresh-after: 7d}]
storage:
  type: local
  local:
    path: /data
    temporary-file-pattern: .part-*
    accel: {enable-by-header: X-Location, respond-with-headers: [X-Sendfile]}
fetch: {head-timeout: 500ms, stall-timeout: 1m, max-fills: 3}
log: {level: trace, format: json}
`,
    { TOKEN: "s3cret" },
  );
  const [upstream] = config.upstreams;
  assert(upstream !== undefined);
  assertEquals(config.listen, { address: "::1", port: 0, tls: { cert: "c.pem", key: "k.pem" } });
  assertEquals(upstream.name, "one");
  assertEquals(upstream.server, "http://mirror.example:8080/base");
  assertEquals(upstream.mapping?.match.source, "^/(debian)/(.*)");
  assertEquals(upstream.mapping?.replace, "/$1/$2");
  const [checker] = upstream.checkers;
  assertEquals(checker?.statusCodes, [200, 203]);
  assertEquals(checker?.headers.map(({ name, match }) => [name, match?.source ?? null]), [
    ["content-type", "^application/"],
    ["x-any", null],
  ]);
  assertEquals(upstream.allowedRedirect?.source, "^https://cdn\\.");
  assertEquals(upstream.priorityGroups.map((it) => [it.match.source, it.priority]), [
    ["/dists/", 10],
    ["/pool/", -1],
  ]);
  assertEquals(upstream.headers, [["authorization", "Bearer s3cret"]]);
  assertEquals(upstream.proxy, "socks5://proxy:1080");
  assertEquals(config.misc, { firstChunkBytes: 1_048_576, chunkBytes: 65_536 });
  assertEquals(config.cache.policies.map((it) => [it.match.source, it.refreshAfter]), [
    ["\\.deb$", "never"],
    ["a", 7_200_000],
    ["b", 604_800_000],
    ["", 7_200_000],
  ]);
  assertEquals(config.storage, {
    path: "/data",
    temporaryFilePattern: ".part-*",
    accel: { enableByHeader: "x-location", respondWithHeaders: ["X-Sendfile"] },
  });
  assertEquals(config.fetch, { headTimeoutMs: 500, stallTimeoutMs: 60_000, maxFills: 3 });
  assertEquals(config.log, { level: "trace", format: "json" });
});

Deno.test("a config cannot be changed, in no depth", () => {
  const config = load(withUpstream("cache: {policies: [{match: x}]}"));
  const parts: unknown[] = [config];
  for (const part of parts) {
    assert(Object.isFrozen(part));
    parts.push(...Object.values(part as object).filter((it) => it instanceof Object));
  }
  assert(parts.length > 10);
  assertThrows(() => Object.assign(config.listen, { port: 1 }), TypeError);
});

Deno.test("values from the environment may stand for numbers, durations, sizes and choices", () => {
  const config = load(
    withUpstream(
      "listen: {port: '${PORT}'}\nmisc: {chunk-bytes: '${SIZE}'}\n" +
        "cache: {timeout: '${DAYS}d'}\nlog: {level: '${LEVEL}'}",
    ),
    { PORT: "80", SIZE: "2KiB", DAYS: "3", LEVEL: "warn" },
  );
  assertEquals(config.listen.port, 80);
  assertEquals(config.misc.chunkBytes, 2048);
  assertEquals(config.cache.policies[0]?.refreshAfter, 259_200_000);
  assertEquals(config.log.level, "warn");
});

Deno.test("expressions and replacements of a Go config are not taken for the environment", () => {
  const { mapping } = upstreamWith(
    `path: {match: '^/(?P<dir>\\w+)/(.*)$$', replace: '/\${dir}/\${2}$$'}`,
  );
  assertEquals(mapping?.match.replaceAll("/debian/pool", mapping.replace), "/debian/pool$");
});

Deno.test("upstreams without a name have their host's, numbered where it is taken", () => {
  const { upstreams } = load(`
upstream:
- server: https://a.example/x
- server: https://a.example/y
- {server: https://b.example, name: a.example-2}
- server: https://a.example:8443
- {server: https://c.example, name: b.example}
- server: https://b.example
- server: http://a.example
`);
  assertEquals(upstreams.map(({ name }) => name), [
    "a.example",
    "a.example-3",
    "a.example-2",
    "a.example:8443",
    "b.example",
    "b.example-2",
    "a.example-4",
  ]);
});

Deno.test("a reference to no group is warned of: it stands for nothing", () => {
  const text = "upstream: [{server: https://a.example, match: {match: '/(x)', replace: '/$1y'}}]";
  assertEquals(loadConfig(text, () => undefined).warnings, [
    "upstream[0].match: old spelling, write upstream[0].path",
    "upstream[0].match.replace: $1y is no group of match and stands for nothing, " +
    "${1} ends a number",
  ]);
});
