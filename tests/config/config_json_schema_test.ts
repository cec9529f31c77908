import { assert, assertEquals } from "@std/assert";
import { z } from "zod";
import { configJsonSchema } from "../../src/config/config_json_schema.ts";
import { parseYaml } from "../../src/config/parse_yaml.ts";
import { loadConfig } from "../../src/config/load_config.ts";

const COMMITTED = new URL("../../config.schema.json", import.meta.url);

interface Part {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
}

/** Every key that the schema knows, with its part. */
function keys(part: Part, path = ""): [path: string, part: Part][] {
  const own = Object.entries(part.properties ?? {}).flatMap(([key, value]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [[inner, value] as [string, Part], ...keys(value, inner)];
  });
  const parts = [...part.items === undefined ? [] : [part.items], ...part.anyOf ?? []];
  return [...own, ...parts.flatMap((inner) => keys(inner, path))];
}

Deno.test("config.schema.json is what the schema gives; `deno task schema` writes it", async () => {
  assertEquals(await Deno.readTextFile(COMMITTED), configJsonSchema());
});

Deno.test("every key has a description, and the defaults are those of the program", () => {
  const known = new Map(keys(JSON.parse(configJsonSchema())));
  for (const [path, { description }] of known) {
    assert(description !== undefined && description !== "", path);
  }
  const defaults = [
    "listen.port",
    "cache.timeout",
    "cache.min-free",
    "cache.negative",
    "storage.local.path",
    "fetch.max-fills",
  ].map((path) => (known.get(path) as { default?: unknown }).default);
  assertEquals(defaults, [8881, "1h", "1%", { 404: "10s", 410: "10s" }, "./data", 256]);
});

Deno.test("the JSON Schema takes what the program takes without a warning", () => {
  const schema = z.fromJSONSchema(JSON.parse(configJsonSchema()));
  const accepted = [
    "",
    "checkers: {status-codes: [200, 206]}",
    "checkers: [{headers: [{name: content-type, match: }]}]",
    "path: {match: , replace: }",
    "path:",
    "headers: {Authorization: 'Bearer ${TOKEN}'}",
    "allowed-redirect: ^https://cdn\\.",
    "priority-groups: [{match: /dists/, priority: -1}]",
    "proxy: socks5h://user:pass@proxy:1080",
    "checkers: {status-codes: any}",
    "checkers: [{status-codes: '${ANY}'}]",
    "checkers: [{status-codes: }]",
    "allow-methods: [GET, post, '${METHOD}']",
  ].map((entry) => `upstream:\n- server: https://mirror.example\n  ${entry}`);
  const upstream = "upstream: [{server: 'https://${TOKEN}.example'}]\n";
  accepted.push(...[
    "misc:",
    "misc: {first-chunk-bytes: 52428800, chunk-bytes: 1 MiB}",
    "misc: {chunk-bytes: '${NUMBER}'}",
    "listen: {port: '${NUMBER}', address: '${HOST}'}",
    "cache: {timeout: 0}",
    "cache: {timeout: never, policies: [{match: x, refresh-after: 1.5h}]}",
    "cache: {timeout: '${NUMBER}s'}",
    "cache: {timeout: upstream, policies: [{match: x, refresh-after: upstream}]}",
    "cache: {max-size: 100GB, min-free: 5%, inactive: 90d, max-object-size: 1}",
    "cache: {max-size: '${NUMBER}', min-free: '${NUMBER}MiB', inactive: never}",
    "cache: {min-free: 099.5 %, max-size: , negative: }",
    "cache: {min-free: 0, negative: {}}",
    "cache: {sets: []}",
    "cache: {sets: [{match: '^/(a)/', anchor: [Release, '*.db']}]}",
    "cache: {stale-if-error: always, stale-while-revalidate: 1m, negative: {404: 1s, 599: 0}}",
    "cache: {policies: [{match: x, stale-if-error: never, stale-while-revalidate: 0, negative: {}}]}",
    "cache: {client-directives: honour, targeted-directives: true, offline: '${TRUE}'}",
    "log: {level: '${LEVEL}', format: }",
    "storage: {local: {temporary-file-pattern: 'x*', accel: {enable-by-header: ''}}}",
    "fetch: {head-timeout: 500ms, max-fills: '1'}",
    "fetch: {minimum-rate: 0}",
    "fetch: {range-skip: 0}",
    "fetch: {range-skip: off}",
    "race: {width: 64}",
    "race: {segments: off, segment-threshold: 0, segment-window: 1GiB}",
    "race: {segments: '${TRUE}'}",
  ].map((section) => upstream + section));
  const variables = new Map(
    Object.entries({
      TOKEN: "t",
      NUMBER: "8080",
      HOST: "::1",
      LEVEL: "warn",
      ANY: "any",
      METHOD: "PUT",
      TRUE: "true",
    }),
  );
  for (const text of accepted) {
    assertEquals(loadConfig(text, (name) => variables.get(name)).warnings, [], text);
    // The program takes a key without a value for one that is not there, as JSON has it: null.
    const tree: unknown = JSON.parse(
      JSON.stringify(parseYaml(text), (_, value) => value === undefined ? null : value),
    );
    assertEquals(schema.safeParse(tree).error, undefined, text);
  }
});

Deno.test("the JSON Schema refuses mistakes", () => {
  const schema = z.fromJSONSchema(JSON.parse(configJsonSchema()));
  const upstream = [{ server: "https://mirror.example" }];
  const refused: unknown[] = [
    {},
    { upstream: [] },
    { upstream: [{}] },
    { upstream: [{ server: "ftp://mirror.example" }] },
    { upstream, lisen: {} },
    { upstream, listen: { port: 70_000 } },
    { upstream, listen: { port: "http" } },
    { upstream, cache: { timeout: 90 } },
    { upstream, cache: { timeout: "90" } },
    { upstream, cache: { timeout: "always" } },
    { upstream, cache: { "stale-if-error": "upstream" } },
    { upstream, cache: { "stale-while-revalidate": "never" } },
    { upstream, cache: { "min-free": "100%" } },
    { upstream, cache: { "max-size": 0 } },
    { upstream, cache: { sets: [{ match: "(a)", anchor: [] }] } },
    { upstream, cache: { sets: [{ anchor: ["a"] }] } },
    { upstream, cache: { negative: { 200: "1s" } } },
    { upstream, cache: { negative: { 404: "never" } } },
    { upstream, cache: { offline: "yes" } },
    { upstream, cache: { "client-directives": "honor" } },
    { upstream: [{ server: "https://a.example", checkers: { "status-codes": "all" } }] },
    { upstream: [{ server: "https://a.example", "allow-methods": ["a b"] }] },
    { upstream, log: { level: "loud" } },
    { upstream, misc: { "chunk-bytes": "1M" } },
    { upstream, race: { width: 65 } },
    { upstream, race: { segments: "no" } },
    { upstream, race: { "segment-window": 1 } },
    { upstream, fetch: { "minimum-rate": "16KiB/s" } },
    { upstream, fetch: { "range-skip": "never" } },
  ];
  for (const value of refused) assert(!schema.safeParse(value).success, JSON.stringify(value));
});
