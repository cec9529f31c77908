import { assert, assertEquals, assertThrows } from "@std/assert";
import { compilePattern } from "../../src/config/go_pattern.ts";
import type { Config } from "../../src/config/config.ts";
import { placeInSets } from "../../src/decide/sets.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Checker, Upstream } from "../../src/types.ts";

function load(text: string, variables: Readonly<Record<string, string>> = {}): Config {
  const { config, warnings } = loadConfig(text, (name) => variables[name]);
  assertEquals(warnings, []);
  return config;
}

function withUpstream(sections: string): string {
  return `upstream: [{server: https://mirror.example}]\n${sections}`;
}

/** The section `cache` of a file in which it has these keys. */
function cacheWith(keys: string): Config["cache"] {
  return load(withUpstream(`cache: {${keys}}`)).cache;
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
    listen: { address: "0.0.0.0", port: 8881, tls: null, publicUrl: null, trustedProxies: [] },
    workers: "auto",
    admin: { address: "127.0.0.1", port: 8882, token: null, debug: false },
    upstreams: [{
      name: "mirror.example",
      server: "https://mirror.example",
      mapping: null,
      mount: "",
      files: [],
      auth: null,
      cachePrivate: false,
      protocol: "http",
      tokenRealm: null,
      checkers: [{ statusCodes: [200], headers: [] }],
      allowedRedirect: null,
      priorityGroups: [],
      headers: [],
      proxy: null,
      allowMethods: [],
    }],
    misc: { firstChunkBytes: 0, chunkBytes: 1_048_576 },
    race: { width: 3, segments: { thresholdBytes: 16_777_216, windowBytes: 33_554_432 } },
    cache: {
      policies: [{
        match: compilePattern(""),
        refreshAfter: 3_600_000,
        staleIfErrorMs: null,
        staleWhileRevalidateMs: 0,
        negative: new Map([[404, 10_000], [410, 10_000]]),
      }],
      sets: [
        { match: compilePattern("^/((?:.*/)?dists/[^/]+)/"), anchors: ["InRelease", "Release"] },
        { match: compilePattern("^/((?:.*/)?repodata)/"), anchors: ["repomd.xml"] },
        { match: compilePattern("^/(.*[^/])\\.(?:db|files)(?:\\.sig)?$"), anchors: ["*.db"] },
        { match: compilePattern("^/((?:.*/)?)APKINDEX[^/]*$"), anchors: ["APKINDEX*"] },
      ],
      limits: {
        maxBytes: null,
        minFree: { kind: "share", value: 0.01 },
        inactiveMs: null,
        maxObjectBytes: null,
      },
      variants: [],
      digests: [],
      memoryBytes: 128 * 1024 * 1024,
      clientDirectives: "ignore",
      targetedDirectives: false,
      offline: false,
    },
    storage: { path: "./data", temporaryFilePattern: "temp.*", accel: null },
    fetch: {
      headTimeoutMs: 10_000,
      stallTimeoutMs: 15_000,
      minimumBytesPerSecond: 16_384,
      rangeSkipBytes: 8_388_608,
      maxFills: 256,
    },
    rules: [],
    links: [],
    forward: { allow: [] },
    prefetch: "off",
    log: { level: "info", format: null, requests: null, events: true, file: null },
  });
});

Deno.test("sections and keys without a value have their defaults", () => {
  const empty = load(withUpstream(
    "listen:\nmisc:\nrace:\nfetch: ~\nadmin: {debug: }\n" +
      "log: {level: null, requests: , events: , file: }\n" +
      "storage: {type: , local: {path: , accel: }}\n" +
      "cache: {timeout: , policies: , sets: , max-size: , min-free: , inactive: , max-object-size: , " +
      "stale-if-error: , stale-while-revalidate: , negative: , client-directives: , " +
      "targeted-directives: , offline: }\n",
  ));
  assertEquals(empty, load(withUpstream("")));
  assertEquals(
    cacheWith(
      "policies: [{match: x, refresh-after: , stale-if-error: , stale-while-revalidate: , " +
        "negative: }]",
    ),
    cacheWith("policies: [{match: x}]"),
  );
  const upstream = upstreamWith(
    "name: , path: {match: , replace: }, checkers: , allowed-redirect: , " +
      "priority-groups: , headers: , proxy: , allow-methods: ",
  );
  assertEquals(upstream, upstreamWith(""));
  const strings = upstreamWith(
    'name: "", path: {match: "", replace: ""}, checkers: [], allowed-redirect: "", proxy: "", ' +
      "allow-methods: []",
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
fetch:
  head-timeout: 500ms
  stall-timeout: 1m
  minimum-rate: 0
  range-skip: off
  max-fills: 3
admin: {debug: true}
log:
  level: trace
  format: json
  requests: false
  events: false
  file: {path: log/a.log, max-size: 1MiB, keep: 0}
`,
    { TOKEN: "s3cret" },
  );
  const [upstream] = config.upstreams;
  assert(upstream !== undefined);
  assertEquals(config.listen, {
    address: "::1",
    port: 0,
    tls: { cert: "c.pem", key: "k.pem" },
    publicUrl: null,
    trustedProxies: [],
  });
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
  assertEquals(config.fetch, {
    headTimeoutMs: 500,
    stallTimeoutMs: 60_000,
    minimumBytesPerSecond: 0,
    rangeSkipBytes: null,
    maxFills: 3,
  });
  assertEquals(config.admin.debug, true);
  assertEquals(config.log, {
    level: "trace",
    format: "json",
    requests: false,
    events: false,
    file: { path: "log/a.log", maxBytes: 1_048_576, keep: 0 },
  });
});

Deno.test("every key of the cache arrives in the config", () => {
  const { limits, clientDirectives, targetedDirectives, offline } = cacheWith(
    "max-size: 100GB, min-free: 5%, inactive: 90d, max-object-size: 2GiB, " +
      "client-directives: honour, targeted-directives: true, offline: true",
  );
  assertEquals(limits, {
    maxBytes: 100_000_000_000,
    minFree: { kind: "share", value: 0.05 },
    inactiveMs: 7_776_000_000,
    maxObjectBytes: 2_147_483_648,
  });
  assertEquals({ clientDirectives, targetedDirectives, offline }, {
    clientDirectives: "honour",
    targetedDirectives: true,
    offline: true,
  });
});

Deno.test("sets of the file take the place of the known ones", () => {
  const { sets } = cacheWith(
    "sets: [{match: '^/(a)/', anchor: [head, '*.idx']}, {match: '(b)', anchor: [c]}]",
  );
  assertEquals(sets.map(({ match, anchors }) => [match.source, anchors]), [
    ["^/(a)/", ["head", "*.idx"]],
    ["(b)", ["c"]],
  ]);
  assertEquals(cacheWith("sets: []").sets, []);
});

Deno.test("the known sets are those of apt, dnf, pacman and apk", () => {
  const { sets } = cacheWith("");
  const examples: [path: string, set: string | null, role?: string][] = [
    ["/debian/dists/sid/InRelease", "0 debian/dists/sid", "anchor"],
    ["/debian/dists/sid/Release.gpg", "0 debian/dists/sid", "member"],
    ["/dists/sid/main/binary-amd64/Packages.xz", "0 dists/sid", "member"],
    ["/debian/pool/main/h/hello/hello_1_amd64.deb", null],
    [
      "/rocky/9/BaseOS/x86_64/os/repodata/repomd.xml",
      "1 rocky/9/BaseOS/x86_64/os/repodata",
      "anchor",
    ],
    [
      "/rocky/9/BaseOS/x86_64/os/repodata/ab-primary.xml.gz",
      "1 rocky/9/BaseOS/x86_64/os/repodata",
      "member",
    ],
    ["/rocky/9/BaseOS/x86_64/os/Packages/h/hello.rpm", null],
    ["/archlinux/core/os/x86_64/core.db", "2 archlinux/core/os/x86_64/core", "anchor"],
    ["/archlinux/core/os/x86_64/core.db.sig", "2 archlinux/core/os/x86_64/core", "member"],
    ["/archlinux/core/os/x86_64/core.files", "2 archlinux/core/os/x86_64/core", "member"],
    ["/archlinux/core/os/x86_64/hello-1-1-x86_64.pkg.tar.zst", null],
    ["/alpine/v3.22/main/x86_64/APKINDEX.tar.gz", "3 alpine/v3.22/main/x86_64/", "anchor"],
    ["/alpine/v3.22/main/x86_64/hello-1-r0.apk", null],
  ];
  for (const [path, set, role] of examples) {
    const place = placeInSets(path, sets);
    assertEquals([place?.set ?? null, place?.role], [set, role], path);
  }
});

Deno.test("the room to leave free is a size or a percentage of the file system", () => {
  const examples: [written: string, kind: "bytes" | "share", value: number][] = [
    ["0", "bytes", 0],
    ["'0'", "bytes", 0],
    ["0%", "share", 0],
    ["1024", "bytes", 1024],
    ["10 GiB", "bytes", 10_737_418_240],
    ["0.5%", "share", 0.005],
    ["12.5 %", "share", 0.125],
    ["99.5%", "share", 0.995],
  ];
  for (const [written, kind, value] of examples) {
    assertEquals(cacheWith(`min-free: ${written}`).limits.minFree, { kind, value }, written);
  }
});

Deno.test("a largest file over the room for all of them is no mistake, nor one under it", () => {
  for (const [all, one] of [[1, 2], [2, 1], [1, 1]]) {
    const { limits } = cacheWith(`max-size: ${all}, max-object-size: ${one}`);
    assertEquals([limits.maxBytes, limits.maxObjectBytes], [all, one]);
  }
});

Deno.test("when a copy is revalidated is a duration, never, or the upstream's word", () => {
  for (
    const [written, refreshAfter] of [
      ["never", "never"],
      ["upstream", "upstream"],
      ["0", 0],
      ["1h30m", 5_400_000],
    ] as const
  ) {
    assertEquals(cacheWith(`timeout: ${written}`).policies[0]?.refreshAfter, refreshAfter);
    const { policies } = cacheWith(
      `timeout: 7d, policies: [{match: x, refresh-after: ${written}}]`,
    );
    assertEquals(policies.map((policy) => policy.refreshAfter), [refreshAfter, 604_800_000]);
  }
});

Deno.test("a stale copy stands in for failing upstreams for a time, always or never", () => {
  for (
    const [written, ms] of [
      ["always", null],
      ["never", 0],
      ["0", 0],
      ["0s", 0],
      ["7d", 604_800_000],
    ] as const
  ) assertEquals(cacheWith(`stale-if-error: ${written}`).policies[0]?.staleIfErrorMs, ms, written);
});

Deno.test("what a policy says itself wins over the section, all of it", () => {
  const { policies } = cacheWith(
    "stale-if-error: 1h, stale-while-revalidate: 1m, negative: {404: 5s, 500: 1s}, policies: [" +
      "{match: a}, " +
      "{match: b, stale-if-error: always, stale-while-revalidate: 0, negative: {}}, " +
      "{match: c, stale-if-error: never, negative: {503: 2s}}]",
  );
  const section: [number, number][] = [[404, 5000], [500, 1000]];
  assertEquals(
    policies.map((it) => [
      it.match.source,
      it.staleIfErrorMs,
      it.staleWhileRevalidateMs,
      [...it.negative],
    ]),
    [
      ["a", 3_600_000, 60_000, section],
      ["b", null, 0, []],
      ["c", 0, 60_000, [[503, 2000]]],
      ["", 3_600_000, 60_000, section],
    ],
  );
});

Deno.test("error statuses to remember are 400 to 599, and one that is given no time is not", () => {
  const remembered = (mapping: string): [number, number][] =>
    cacheWith(`negative: ${mapping}`).policies.flatMap(({ negative }) => [...negative]);
  assertEquals(remembered("{400: 500ms, 599: 1s}"), [[400, 500], [599, 1000]]);
  assertEquals(remembered("{404: 0, 410: 0s, '403': 1s}"), [[403, 1000]]);
  assertEquals(remembered("{}"), []);
});

Deno.test("a checker may accept any status", () => {
  const codesOf = (checkers: string): Checker["statusCodes"][] =>
    upstreamWith(`checkers: ${checkers}`).checkers.map(({ statusCodes }) => statusCodes);
  assertEquals(codesOf("{status-codes: any}"), ["any"]);
  assertEquals(codesOf("[{status-codes: any, headers: [{name: a}]}, {}, {status-codes: []}]"), [
    "any",
    [200],
    [200],
  ]);
});

Deno.test("other methods than GET and HEAD are passed on in upper case, each once", () => {
  const methodsOf = (list: string): readonly string[] =>
    upstreamWith(`allow-methods: ${list}`).allowMethods;
  assertEquals(methodsOf("[GET, HEAD]"), []);
  assertEquals(methodsOf("[get, post, POST, Purge, head, M-SEARCH]"), [
    "POST",
    "PURGE",
    "M-SEARCH",
  ]);
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
        "cache: {timeout: '${DAYS}d', max-size: '${SIZE}', min-free: '${SHARE}%', " +
        "offline: '${OFFLINE}', stale-if-error: '${WORD}', negative: {404: '${DAYS}s'}}\n" +
        "log: {level: '${LEVEL}'}",
    ),
    {
      PORT: "80",
      SIZE: "2KiB",
      DAYS: "3",
      LEVEL: "warn",
      SHARE: "50",
      OFFLINE: "true",
      WORD: "never",
    },
  );
  assertEquals(config.listen.port, 80);
  assertEquals(config.misc.chunkBytes, 2048);
  assertEquals(config.cache.policies[0]?.refreshAfter, 259_200_000);
  assertEquals(config.log.level, "warn");
  assertEquals(config.cache.limits.maxBytes, 2048);
  assertEquals(config.cache.limits.minFree, { kind: "share", value: 0.5 });
  assertEquals(config.cache.offline, true);
  assertEquals(config.cache.policies[0]?.staleIfErrorMs, 0);
  assertEquals(config.cache.policies[0]?.negative, new Map([[404, 3000]]));
  assertEquals(
    load(withUpstream("cache: {offline: '${OFFLINE}'}"), { OFFLINE: "false" }).cache.offline,
    false,
  );
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

Deno.test("segments are on unless they are switched off, or no file is large enough", () => {
  const examples: [race: string, segments: [number, number] | null][] = [
    ["segments: on", [16_777_216, 33_554_432]],
    ["segments: 'true', segment-threshold: 1, segment-window: 1MiB", [1, 1_048_576]],
    ["segments: off", null],
    ["segments: false", null],
    ["segment-threshold: 0", null],
  ];
  for (const [race, segments] of examples) {
    const [thresholdBytes = 0, windowBytes = 0] = segments ?? [];
    const expected = segments === null ? null : { thresholdBytes, windowBytes };
    assertEquals(load(withUpstream(`race: {${race}}`)).race.segments, expected, race);
  }
});
