import { assert, assertEquals } from "@std/assert";
import { stringify } from "@std/yaml";
import { expandedTree, loadConfig } from "../../src/config/load_config.ts";
import { PRESET_NAMES } from "../../src/config/presets/presets.ts";
import { ConfigError } from "../../src/errors.ts";

interface Tree {
  readonly upstream: Record<string, unknown>[];
  readonly cache: {
    readonly policies: { readonly match: string; readonly "refresh-after": unknown }[];
    readonly sets: { readonly match: string }[];
  };
}

function load(text: string): ReturnType<typeof loadConfig>["config"] {
  return loadConfig(text, (name) => `the ${name}`).config;
}

function problems(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

for (const preset of PRESET_NAMES) {
  for (const at of ["/some.where", "/", ""]) {
    const text = `upstream: [{server: "https://m.example", preset: ${preset}, at: "${at}"}]\n`;

    Deno.test(`${preset} at "${at}" expands to a config that loads and expands no further`, () => {
      const expanded = stringify(expandedTree(text));
      assertEquals(stringify(expandedTree(expanded)), expanded);
      assertEquals(load(expanded), load(text));
      assert(!expanded.includes("{at}"), expanded);
    });
  }
}

Deno.test("what the file says wins over its presets", () => {
  const tree = expandedTree(`
upstream:
- {server: "https://a.example", preset: apt, at: /deb.ian, checkers: []}
- {server: "https://b.example", preset: apt, at: /deb.ian}
cache:
  policies: [{match: '\\.deb$', refresh-after: 1h}]
`) as Tree;
  assertEquals(tree.upstream[0]?.["checkers"], []);
  const { policies, sets } = tree.cache;
  assertEquals(policies[0], { match: "\\.deb$", "refresh-after": "1h" });
  const matches = policies.map(({ match }) => match);
  assert(matches.includes("^/deb\\.ian/(?:.*/)?pool/"), matches.join());
  assertEquals(new Set(matches).size, matches.length);
  // The known sets stay where the file has none of its own.
  assert(sets.some(({ match }) => match.includes("APKINDEX")));
});

Deno.test("an upstream is mounted by at, or by none of path and at", () => {
  const { upstreams } = load(`
upstream:
- {server: "https://a.example/x", at: /deb+ian/}
- {server: "https://b.example"}
- {server: "https://c.example", path: {match: ^/c/(.*), replace: /$1}}
`);
  assertEquals(upstreams.map(({ mount }) => mount), ["/deb+ian", "", null]);
  const [mapping] = upstreams.map((upstream) => upstream.mapping);
  assert(mapping?.match.test("/deb+ian/x/y"));
  assert(!mapping?.match.test("/debbian/x"));
  assertEquals(mapping?.match.replaceAll("/deb+ian/x/deb+ian/y", mapping.replace), "/x/deb+ian/y");
});

Deno.test("what cannot be meant is a problem with its place", () => {
  const examples: [entry: string, problem: string][] = [
    ["at: debian", `upstream[0].at: expected a path such as /debian, got "debian"`],
    ["at: /a/../b", `upstream[0].at: expected a path such as /debian, got "/a/../b"`],
    ["at: /a, path: {match: /b}", "upstream[0].at: expected either at or path, not both"],
    ["preset: debian", "upstream[0].preset: expected"],
    [
      "files: {'*.example': x}",
      `upstream[0].files["*.example"]: expected the name of a mirror here`,
    ],
    ["files: {'a b': m.example}", "upstream[0].files"],
    ["auth: {user: me}", "upstream[0].auth: expected one of netrc, bearer, or user with password"],
    ["auth: {bearer: a, netrc: b}", "upstream[0].auth: expected one of"],
  ];
  for (const [entry, problem] of examples) {
    const found = problems(`upstream: [{server: "https://m.example", ${entry}}]`);
    assert(found.some((line) => line.startsWith(problem)), `${entry}: ${found.join(" | ")}`);
  }
  const sections: [section: string, problem: string][] = [
    ["listen: {trusted-proxies: [10.0.0.0/33]}", "listen.trusted-proxies[0]: expected an IP"],
    ["listen: {public-url: cache}", "listen.public-url: expected"],
    ["forward: {allow: ['a:99999']}", "forward.allow[0]: expected a host name"],
    ["rules: [{match: x, action: no}]", "rules[0].action: expected"],
    ["links: [{match: x, format: html}]", "links[0].format: expected"],
    ["cache: {variants: [{match: x, accept: []}]}", "cache.variants[0].accept: expected"],
    ["cache: {digests: [{match: x, format: md5}]}", "cache.digests[0].format: expected"],
    ["prefetch: all", "prefetch: expected"],
  ];
  for (const [section, problem] of sections) {
    const found = problems(`upstream: [{server: "https://m.example"}]\n${section}`);
    assert(found.some((line) => line.startsWith(problem)), `${section}: ${found.join(" | ")}`);
  }
});

Deno.test("credentials come from the environment and are not printed", () => {
  const text =
    `upstream: [{server: "https://m.example", auth: {user: me, password: "\${PASSWORD}"}}]`;
  assertEquals(load(text).upstreams[0]?.auth, {
    kind: "basic",
    user: "me",
    password: "the PASSWORD",
  });
  assert(stringify(expandedTree(text)).includes("${PASSWORD}"));
});
