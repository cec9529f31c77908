import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { PRESET_NAMES } from "../../src/config/presets/presets.ts";
import { policyFor } from "../../src/decide/freshness.ts";
import { clientPages, codeBlocks, firstColumn, headings, readProject } from "./pages.ts";

/** What the pages say in place of milliseconds. */
const INTERVALS: ReadonlyMap<string, number | "never"> = new Map<string, number | "never">([
  ["never", "never"],
  ["1 minute", 60_000],
  ["5 minutes", 5 * 60_000],
  ["10 minutes", 10 * 60_000],
  ["1 hour", 3_600_000],
  ["1 day", 24 * 3_600_000],
]);

/** The YAML of the page, which is the same for all of them: one block. */
function yamlOf(page: string): string {
  const blocks = codeBlocks(page).filter(({ language }) => language === "yaml");
  assertEquals(blocks.length, 1);
  return blocks[0]?.text ?? "";
}

async function load(page: string): Promise<Config> {
  const { config, warnings } = loadConfig(yamlOf(await readProject(page)), () => undefined);
  assertEquals(warnings, [], page);
  return config;
}

for (const page of clientPages()) {
  Deno.test(`${page}: its config loads, and has one place for each mirror`, async () => {
    const { upstreams } = await load(page);
    const mounts = upstreams.map(({ mount }) => mount);
    assertEquals(new Set(mounts).size, mounts.length);
    assert(yamlOf(await readProject(page)).trim().split("\n").length <= 6, "it is long");
  });

  Deno.test(`${page}: paths are refreshed as it says`, async () => {
    const { upstreams, cache } = await load(page);
    const text = await readProject(page);
    const rows = [...text.matchAll(/^\| `(\/[^`]+)` +\| (.+?) +\|$/gm)];
    assert(rows.length >= 2, "it has no table");
    assertEquals(rows.length, firstColumn(text, "file").length);
    for (const [, path = "", said = ""] of rows) {
      assert(INTERVALS.has(said), `${path}: ${said}`);
      assertEquals(policyFor(path, cache.policies).refreshAfter, INTERVALS.get(said), path);
      assert(upstreams.some(({ mount }) => path.startsWith(`${mount}/`)), `nobody has ${path}`);
    }
  });

  Deno.test(`${page}: says what to do, how to see that it works, and nothing else`, async () => {
    const found = headings(await readProject(page)).slice(1, 5);
    assertEquals(found, ["The client", "The cache", "Does it work?", "What is refreshed when"]);
    assert((await readProject("README.md")).includes(`](${page})`), "the README has no link");
  });
}

Deno.test("each preset has its page", async () => {
  const texts = await Promise.all(clientPages().map(readProject));
  const used = texts.flatMap((text) => [...yamlOf(text).matchAll(/preset: (\w+)/g)])
    .map(([, name]) => name);
  assertEquals(PRESET_NAMES.filter((name) => !used.includes(name)), []);
});
