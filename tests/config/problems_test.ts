import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";
import { ConfigError } from "../../src/errors.ts";

const SERVER = "server: https://mirror.example";

function problemsOf(text: string): readonly string[] {
  return assertThrows(() => loadConfig(text, () => undefined), ConfigError).problems;
}

/** Problems of a file that is right but for this section. */
function sectionProblems(section: string): readonly string[] {
  return problemsOf(`upstream: [{${SERVER}}]\n${section}`);
}

/** Problems of an upstream that is right but for these keys. */
function upstreamProblems(keys: string): readonly string[] {
  return problemsOf(`upstream: [{${SERVER}, ${keys}}]`);
}

/** Wrong values of sections, with the whole line that each gives. */
const SECTIONS: readonly (readonly [section: string, problem: string])[] = [
  ["misc: 3", "misc: expected a mapping, got 3"],
  ["cache: []", "cache: expected a mapping, got a list"],
  [
    "listen: {port: 65536}",
    "listen.port: expected a whole number from 0 to 65535, got 65536",
  ],
  ["listen: {port: -1}", "listen.port: expected a whole number from 0 to 65535, got -1"],
  ["listen: {port: 80.5}", "listen.port: expected a whole number from 0 to 65535, got 80.5"],
  ["listen: {port: http}", 'listen.port: expected a whole number from 0 to 65535, got "http"'],
  ["listen: {port: true}", "listen.port: expected a whole number from 0 to 65535, got true"],
  [
    "listen: {address: '1.2.3.999'}",
    'listen.address: expected an IP address or a host name, without a port, got "1.2.3.999"',
  ],
  [
    "listen: {address: 'localhost:80'}",
    'listen.address: expected an IP address or a host name, without a port, got "localhost:80"',
  ],
  [
    "listen: {address: 1}",
    "listen.address: expected an IP address or a host name, without a port, in quotes, got 1",
  ],
  [
    "admin: {address: 0.0.0.0}",
    "admin.token: required, since others than this machine can reach admin.address",
  ],
  [
    "admin: {address: mirror.example}",
    "admin.token: required, since others than this machine can reach admin.address",
  ],
  [
    "admin: {token: 'two words'}",
    "admin.token: expected a token of letters, digits and -._~+/ with = at its end",
  ],
  ["admin: {port: -1}", "admin.port: expected a whole number from 0 to 65535, got -1"],
  ["listen: {tls: {cert: c.pem}}", "listen.tls.key: required, but missing"],
  [
    "cache: {timeout: 90}",
    'cache.timeout: expected a duration with a unit, such as "90s", "1h30m" or "7d", ' +
    'or else "never" or "upstream", got 90',
  ],
  [
    "cache: {timeout: -1h}",
    'cache.timeout: Cannot parse duration "-1h": it is negative, ' +
    'write for example "90s", "1h30m" or "7d", or else "never" or "upstream"',
  ],
  [
    "cache: {timeout: always}",
    'cache.timeout: Cannot parse duration "always": no number before "always", ' +
    'write for example "90s", "1h30m" or "7d", or else "never" or "upstream"',
  ],
  [
    "cache: {stale-if-error: upstream}",
    'cache.stale-if-error: Cannot parse duration "upstream": no number before "upstream", ' +
    'write for example "90s", "1h30m" or "7d", or else "always" or "never"',
  ],
  [
    "cache: {stale-while-revalidate: never}",
    'cache.stale-while-revalidate: Cannot parse duration "never": no number before "never", ' +
    'write for example "90s", "1h30m" or "7d"',
  ],
  [
    "cache: {policies: [{match: a, stale-while-revalidate: 5}]}",
    "cache.policies[0].stale-while-revalidate: expected a duration with a unit, " +
    'such as "90s", "1h30m" or "7d", got 5',
  ],
  [
    "cache: {sets: [{match: ^/dists/, anchor: [Release]}]}",
    'cache.sets[0].match: expected a group, since that names the set, got "^/dists/"',
  ],
  [
    "cache: {sets: [{match: (a), anchor: []}]}",
    "cache.sets[0].anchor: expected at least one name, got a list",
  ],
  [
    "cache: {sets: [{match: (a), anchor: [a/b]}]}",
    'cache.sets[0].anchor[0]: expected the name of a file, in which * is any characters, got "a/b"',
  ],
  ["cache: {sets: [{match: (a)}]}", "cache.sets[0].anchor: required, but missing"],
  ["cache: {negative: 10s}", 'cache.negative: expected a mapping, got "10s"'],
  ...["200", "399", "600", "4040", "4xx"].map((status) =>
    [
      `cache: {negative: {${status}: 1s}}`,
      `cache.negative.${status}: expected an error status from 400 to 599`,
    ] as const
  ),
  [
    "cache: {negative: {404: }}",
    'cache.negative.404: expected a duration with a unit, such as "90s", "1h30m" or "7d"',
  ],
  [
    "cache: {policies: [{match: a, negative: {404: 10}}]}",
    "cache.policies[0].negative.404: expected a duration with a unit, " +
    'such as "90s", "1h30m" or "7d", got 10',
  ],
  ...["0", "1.5", "9007199254740992", "[]"].map((size) =>
    [
      `cache: {max-size: ${size}}`,
      "cache.max-size: expected a size from 1 up, or no such key for no limit, " +
      `got ${size === "[]" ? "a list" : size}`,
    ] as const
  ),
  [
    "cache: {max-object-size: 0MiB}",
    "cache.max-object-size: expected a size from 1 up, or no such key for no limit, " +
    'got "0MiB"',
  ],
  ...["100%", "100.5 %", "1000%"].map((share) =>
    [
      `cache: {min-free: ${share}}`,
      `cache.min-free: expected a size from 0 up, or a percentage under 100, got "${share}"`,
    ] as const
  ),
  [
    "cache: {min-free: -1}",
    "cache.min-free: expected a size from 0 up, or a percentage under 100, got -1",
  ],
  [
    "cache: {min-free: 5 percent}",
    'cache.min-free: Cannot parse size "5 percent": unknown unit "percent", ' +
    'write for example "64MiB", "1GB" or bytes as a number, or for example "5%"',
  ],
  [
    "cache: {inactive: 0}",
    'cache.inactive: expected a duration over 0, or "never", got 0',
  ],
  [
    "cache: {inactive: soon}",
    'cache.inactive: Cannot parse duration "soon": no number before "soon", ' +
    'write for example "90s", "1h30m" or "7d", or else "never"',
  ],
  [
    "cache: {client-directives: honor}",
    'cache.client-directives: expected "ignore" or "honour", got "honor"',
  ],
  ["cache: {targeted-directives: 1}", "cache.targeted-directives: expected true or false, got 1"],
  ["cache: {offline: 'yes'}", 'cache.offline: expected true or false, got "yes"'],
  [
    "cache: {policies: [{match: a}, {match: '(?!b)', refresh-after: 1h}]}",
    'cache.policies[1].match: Cannot compile regular expression "(?!b)": "(?!" is lookahead, ' +
    "which Go's regular expressions do not have",
  ],
  ["cache: {policies: [{refresh-after: 1h}]}", "cache.policies[0].match: required, but missing"],
  ["misc: {chunk-bytes: 0}", "misc.chunk-bytes: expected a size from 1 to 1GiB, got 0"],
  ["misc: {chunk-bytes: 2GiB}", 'misc.chunk-bytes: expected a size from 1 to 1GiB, got "2GiB"'],
  ["misc: {first-chunk-bytes: 1.5}", "misc.first-chunk-bytes: expected a size from 0 up, got 1.5"],
  [
    "misc: {first-chunk-bytes: 5 XB}",
    'misc.first-chunk-bytes: Cannot parse size "5 XB": unknown unit "XB", ' +
    'write for example "64MiB", "1GB" or bytes as a number',
  ],
  ["workers: 0", 'workers: expected a whole number from 1 to 256, or "auto", got 0'],
  ["workers: many", 'workers: expected a whole number from 1 to 256, or "auto", got "many"'],
  ["race: {width: 0}", "race.width: expected a whole number from 1 to 64, got 0"],
  ["race: {width: 65}", "race.width: expected a whole number from 1 to 64, got 65"],
  ["race: {segments: no}", 'race.segments: expected on or off, got "no"'],
  [
    "race: {segment-window: 512KiB}",
    'race.segment-window: expected a size from 1MiB to 1GiB, got "512KiB"',
  ],
  ["fetch: {minimum-rate: -1}", "fetch.minimum-rate: expected a size from 0 up, got -1"],
  [
    "fetch: {range-skip: -1}",
    'fetch.range-skip: expected a size from 0 up, or "off", got -1',
  ],
  [
    "fetch: {range-skip: never}",
    'fetch.range-skip: Cannot parse size "never": no number with a unit, ' +
    'write for example "64MiB", "1GB" or bytes as a number, or else "off"',
  ],
  ["fetch: {max-fills: 0}", "fetch.max-fills: expected a whole number from 1 to 1000000, got 0"],
  [
    "fetch: {head-timeout: 0s}",
    'fetch.head-timeout: expected a duration over 0 and up to 24h, got "0s"',
  ],
  [
    "fetch: {stall-timeout: 30d}",
    'fetch.stall-timeout: expected a duration over 0 and up to 24h, got "30d"',
  ],
  ["storage: {type: s3}", 'storage.type: expected "local", got "s3"'],
  [
    "storage: {local: {path: ''}}",
    'storage.local.path: expected the path of a directory, got ""',
  ],
  ...["temp", "a/*", "a\\\\*", `${"x".repeat(100)}*`].map((pattern) =>
    [
      `storage: {local: {temporary-file-pattern: "${pattern}"}}`,
      "storage.local.temporary-file-pattern: expected a file name of up to 100 characters, " +
      `with a * and without slashes, got "${pattern.slice(0, 60)}${
        pattern.length > 60 ? "…" : ""
      }"`,
    ] as const
  ),
  [
    "storage: {accel: {enable-by-header: a b}}",
    'storage.accel.enable-by-header: expected the name of a header field, got "a b"',
  ],
  [
    "storage: {local: {accel: {response-with-headers: []}}}",
    "storage.local.accel.response-with-headers: expected at least one header field, got a list",
  ],
  [
    "log: {level: loud}",
    'log.level: expected "trace", "debug", "info", "warn" or "error", got "loud"',
  ],
  ["log: {format: 1}", 'log.format: expected "text" or "json", got 1'],
  ["log: {requests: often}", 'log.requests: expected true or false, got "often"'],
  ["log: {file: {path: ''}}", 'log.file.path: expected the path of a file, got ""'],
  ["log: {file: a.log}", 'log.file: expected a mapping, got "a.log"'],
  [
    "log: {file: {path: a.log, max-size: 1KiB}}",
    'log.file.max-size: expected 0, or a size from 64KiB up, got "1KiB"',
  ],
  [
    "log: {file: {path: a.log, keep: -1}}",
    "log.file.keep: expected a whole number from 0 to 1000, got -1",
  ],
  ["admin: {debug: maybe}", 'admin.debug: expected true or false, got "maybe"'],
];

/** The same for keys of an upstream. */
const UPSTREAM_KEYS: readonly (readonly [keys: string, problem: string])[] = [
  ["path: /debian", 'upstream[0].path: expected a mapping, got "/debian"'],
  [
    "path: {replace: /x}",
    "upstream[0].path.match: expected a regular expression, " +
    "since there is a replace",
  ],
  ["path: {match: x, replace: 1}", "upstream[0].path.replace: expected a string, in quotes, got 1"],
  ["checkers: 200", "upstream[0].checkers: expected a mapping or a list of mappings, got 200"],
  [
    "checkers: {status-codes: [99]}",
    "upstream[0].checkers.status-codes[0]: expected a whole number from 100 to 599, got 99",
  ],
  [
    "checkers: [{}, {status-codes: 200}]",
    'upstream[0].checkers[1].status-codes: expected a list of status codes, or "any", got 200',
  ],
  [
    "checkers: {status-codes: all}",
    'upstream[0].checkers.status-codes: expected a list of status codes, or "any", got "all"',
  ],
  [
    "checkers: {status-codes: [any]}",
    'upstream[0].checkers.status-codes[0]: expected a whole number from 100 to 599, got "any"',
  ],
  ["allow-methods: POST", 'upstream[0].allow-methods: expected a list, got "POST"'],
  ...["a b", "", "GET,POST"].map((method) =>
    [
      `allow-methods: [GET, "${method}"]`,
      `upstream[0].allow-methods[1]: expected an HTTP method, such as POST, got "${method}"`,
    ] as const
  ),
  ...["CONNECT", "trace", "Track"].map((method) =>
    [
      `allow-methods: [${method}]`,
      `upstream[0].allow-methods[0]: CONNECT, TRACE and TRACK cannot be passed on, got "${method}"`,
    ] as const
  ),
  [
    "checkers: [{headers: [{name: 'a b'}]}]",
    'upstream[0].checkers[0].headers[0].name: expected the name of a header field, got "a b"',
  ],
  [
    "checkers: {headers: [{match: x}]}",
    "upstream[0].checkers.headers[0].name: required, " +
    "but missing",
  ],
  [
    "allowed-redirect: '['",
    'upstream[0].allowed-redirect: Cannot compile regular expression "[": missing closing ] "["',
  ],
  [
    "priority-groups: [{match: x, priority: high}]",
    "upstream[0].priority-groups[0].priority: expected a whole number from -2147483648 to " +
    '2147483647, got "high"',
  ],
  [
    'name: "a\\nb"',
    "upstream[0].name: expected a name of printable ASCII characters, " +
    'got "a\\nb"',
  ],
  [
    "headers: {X-Number: 5}",
    "upstream[0].headers.X-Number: expected a header value without line breaks and characters " +
    "outside of Latin-1, in quotes",
  ],
  [
    "headers: {a b: x}",
    'upstream[0].headers["a b"]: expected the name of a header field',
  ],
  ["headers: {A: }", "upstream[0].headers.A: required, but missing"],
  ["headers: [A]", "upstream[0].headers: expected a mapping, got a list"],
  ...["proxy:3128", "ftp://proxy", "http://", "http://proxy/path"].map((proxy) =>
    [
      `proxy: "${proxy}"`,
      "upstream[0].proxy: expected the URL of a proxy, such as http://proxy:3128 or " +
      `socks5://proxy:1080, got "${proxy}"`,
    ] as const
  ),
];

const SERVERS: readonly (readonly [server: string, problem: string])[] = [
  ["ftp://a.example", 'expected a valid http:// or https:// URL, got "ftp://a.example"'],
  ["a.example", 'expected a valid http:// or https:// URL, got "a.example"'],
  ["https://", 'expected a valid http:// or https:// URL, got "https://"'],
  ["https:a.example", 'expected a valid http:// or https:// URL, got "https:a.example"'],
  [
    "https://a.example:99999",
    'expected a valid http:// or https:// URL, got "https://a.exa' +
    'mple:99999"',
  ],
  ["https://a.example/?b", 'expected a URL without a query, got "https://a.example/?b"'],
  ["https://a.example/#b", 'expected a URL without a fragment, got "https://a.example/#b"'],
  ["https://user:hunter2@a.example", "expected a URL without credentials, give them in headers"],
];

Deno.test("each wrong value of a section is one line: path, what would be right, value", () => {
  for (const [section, problem] of SECTIONS) {
    assertEquals(sectionProblems(section), [problem], section);
  }
});

Deno.test("each wrong value of an upstream is one line, too", () => {
  for (const [keys, problem] of UPSTREAM_KEYS) {
    assertEquals(upstreamProblems(keys), [problem], keys);
  }
  for (const [server, problem] of SERVERS) {
    assertEquals(problemsOf(`upstream: [{server: "${server}"}]`), [
      `upstream[0].server: ${problem}`,
    ]);
  }
});

Deno.test("a file without upstreams says that they are required", () => {
  for (const text of ["", "# nothing", "upstream:", "listen: {port: 1}"]) {
    assertEquals(problemsOf(text), ["upstream: required, but missing"]);
  }
  assertEquals(problemsOf("upstream: []"), [
    "upstream: expected at least one mirror, got a list",
  ]);
  assertEquals(problemsOf("upstream: [~]"), ["upstream[0]: expected a mapping, got null"]);
  assertEquals(problemsOf("just text"), ['the file: expected a mapping, got "just text"']);
});

Deno.test("an unknown key is named with the nearest key known at its place, if one is near", () => {
  const examples: [keys: string, problem: string][] = [
    ["chekers: {}", 'upstream[0].chekers: unknown key, did you mean "checkers"?'],
    ["path: {Match: x}", 'upstream[0].path.Match: unknown key, did you mean "match"?'],
    ["match: /debian", 'upstream[0].match: unknown key, did you mean "path"?'],
    [
      "allowedRedirect: x",
      'upstream[0].allowedRedirect: unknown key, did you mean "allowed-redi' +
      'rect"?',
    ],
    [
      "checkers: {status: 1}",
      "upstream[0].checkers.status: unknown key, known here: status-codes, headers",
    ],
    [
      "checkers: [{headers: [{nam: x, name: y}]}]",
      'upstream[0].checkers[0].headers[0].nam: unknown key, did you mean "name"?',
    ],
    [
      "priority-groups: [{match: x, prio: 1}]",
      "upstream[0].priority-groups[0].prio: unknown key, known here: match, priority",
    ],
  ];
  for (const [keys, problem] of examples) assertEquals(upstreamProblems(keys), [problem], keys);
  assertEquals(sectionProblems("lisen: {}\nfoo:\nmisc: {chunk_bytes: 1}"), [
    'misc.chunk_bytes: unknown key, did you mean "chunk-bytes"?',
    'lisen: unknown key, did you mean "listen"?',
    "foo: unknown key, known here: listen, workers, admin, upstream, misc, race, rules, links, forward, prefetch, cache, storage, fetch, log",
  ]);
});

Deno.test("all problems of a file are reported at once", () => {
  const problems = problemsOf(`
lisen: {}
listen: {port: 99999}
upstream:
- {server: "https://\${GONE}", name: twin, match: {match: "("}, path: {match: "["}}
- {server: nowhere, name: twin, match: {match: "(?=x)"}}
cache:
  timeout: 1x
  policies: [{}, {match: "*", negative: {200: 1x}, stale-if-error: x}]
  max-size: 0
  min-free: 100%
`);
  assertEquals(problems.map((line) => line.slice(0, line.indexOf(": "))), [
    "upstream[0].match",
    "upstream[0].server",
    "listen.port",
    "upstream[0].path.match",
    "upstream[1].server",
    "upstream[1].match.match",
    "cache.timeout",
    "cache.policies[0].match",
    "cache.policies[1].match",
    "cache.policies[1].stale-if-error",
    "cache.policies[1].negative.200",
    "cache.max-size",
    "cache.min-free",
    "lisen",
    "upstream[1].name",
  ]);
  assert(problems.every((line) => !line.includes("\n")));
});

Deno.test("a variable that is not set is one problem, not a wrong value as well", () => {
  assertEquals(problemsOf("upstream: [{server: 'https://\${GONE}/'}]\nlog: {level: '\${GONE}'}"), [
    "upstream[0].server: environment variable GONE is not set",
    "log.level: environment variable GONE is not set",
  ]);
});

Deno.test("a wrong value from the environment is shown as the file has it", () => {
  const text = `upstream: [{${SERVER}}]\nlisten: {port: '\${PORT}'}`;
  const error = assertThrows(() => loadConfig(text, () => "s3cret"), ConfigError);
  assertEquals(error.problems, [
    "listen.port: expected a whole number from 0 to 65535, " +
    'got "${PORT}" (as the environment has it)',
  ]);
});

Deno.test("secrets are in no message", () => {
  const problems = problemsOf(`
upstream:
- server: ftp://user:s3cret@a.example
  proxy: user:s3cret@proxy:3128
  headers: {"a b": s3cret, Authorization: "s3cret\\n", X-List: [s3cret]}
  header: {Authorization: s3cret}
- unknown: s3cret
  server: {headers: {Authorization: s3cret}}
  name: [s3cret]
admin: {token: "s3cret s3cret"}
`);
  assertEquals(problems.length, 10);
  for (const line of problems) assert(!line.includes("s3cret"), line);
});

Deno.test("two upstreams of one given name are an error", () => {
  assertEquals(
    problemsOf(`upstream: [{${SERVER}, name: a}, {${SERVER}}, {${SERVER}, name: a}]`),
    ['upstream[2].name: expected a name of its own, upstream[0] has the same, got "a"'],
  );
});

Deno.test("long values are cut", () => {
  const [problem = ""] = upstreamProblems(`path: ${"x".repeat(1000)}`);
  assertEquals(problem, `upstream[0].path: expected a mapping, got "${"x".repeat(60)}…"`);
});
