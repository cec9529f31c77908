import { assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";
import type { Config } from "../../src/config/config.ts";

function configOf(upstream: string): Config {
  return loadConfig(`upstream:\n  - ${upstream}\n`, () => undefined).config;
}

/** Whether links are rewritten, which forms there are, and when a copy is refreshed. */
function rulesFor(config: Config, path: string): unknown {
  const { links, cache: { variants, policies } } = config;
  return [
    links.find(({ match }) => match.test(path))?.format ?? null,
    variants.find(({ match }) => match.test(path))?.accept.length ?? null,
    policies.find(({ match }) => match.test(path))?.refreshAfter ?? null,
  ];
}

const MINUTE = 60_000;

Deno.test("npm: documents have two forms and links, tarballs stay for ever", () => {
  for (const [at, prefix] of [["at: /npm", "/npm"], ["name: x", ""], ["name: x", "/any/folder"]]) {
    const config = configOf(`{ server: "https://npm.example.org", preset: npm, ${at} }`);
    for (
      const path of [
        "/x",
        "/z",
        "/tgz",
        "/pkg",
        "/@s/pkg",
        "/pkg/1.0.0",
        "/@s/pkg/1.0.0",
        "/gz-tgz",
      ]
    ) {
      assertEquals(rulesFor(config, prefix + path), ["npm-metadata", 2, 5 * MINUTE], prefix + path);
    }
    for (const path of ["/pkg/-/pkg-1.0.0.tgz", "/@s/pkg/-/pkg-1.0.0.tgz"]) {
      assertEquals(rulesFor(config, prefix + path), [null, null, "never"], prefix + path);
    }
  }
  const config = configOf('{ server: "https://npm.example.org", preset: npm, at: /npm }');
  for (const path of ["/npm/-/ping", "/npm/-/v1/search", "/npm/-/npm/v1/keys", "/npm/", "/other"]) {
    assertEquals(rulesFor(config, path), [null, null, 60 * MINUTE], path);
  }
  assertEquals(config.upstreams[0]?.allowMethods, ["POST"]);
});

Deno.test("pypi: pages have three forms and links, files stay for ever", () => {
  const config = configOf('{ server: "https://pypi.example.org", preset: pypi, at: /pypi }');
  for (
    const path of ["/simple/", "/simple/six/", "/simple/six", "/root/pypi/+simple/six/", "/six/"]
  ) {
    assertEquals(rulesFor(config, `/pypi${path}`), ["simple-index", 3, 10 * MINUTE], path);
  }
  for (
    const path of ["/packages/ab/six.whl", "/packages/six.whl.metadata", "/simple/six/six-1.tar.gz"]
  ) {
    assertEquals(rulesFor(config, `/pypi${path}`), [null, null, "never"], path);
  }
});

Deno.test("cargo: config.json has links, crates stay for ever, the index is refreshed", () => {
  const config = configOf('{ server: "https://index.example.org", preset: cargo, at: /cargo }');
  assertEquals(rulesFor(config, "/cargo/config.json"), ["cargo-config", null, 60 * MINUTE]);
  for (const path of ["/1/a", "/2/ab", "/3/a/abc", "/it/oa/itoa"]) {
    assertEquals(rulesFor(config, `/cargo${path}`), [null, null, 5 * MINUTE], path);
  }
  for (const path of ["/itoa/1.0.0/download", "/itoa/itoa-1.0.0.crate"]) {
    assertEquals(rulesFor(config, `/cargo${path}`), [null, null, "never"], path);
  }
});
