import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";

const TOOL = fromFileUrl(new URL("../../tools/check_layers.ts", import.meta.url));

/** A project in which every import goes down. */
const RIGHT: Readonly<Readonly<Record<string, string>>> = {
  "main.ts": `import "./src/main/proxy.ts"; import "./src/config/load.ts";`,
  "src/main/proxy.ts": `import type { Config } from "../config/load.ts"; import "../cache/a.ts";`,
  "src/config/load.ts": `import "../errors.ts"; export type Config = 1;`,
  "src/cache/a.ts": `import "./b.ts"; import "../decide/c.ts";`,
  "src/cache/b.ts": `import "node:sqlite"; import "../types.ts";`,
  "src/decide/c.ts": `import { createHash } from "node:crypto"; import "../types.ts"; createHash;`,
  "src/errors.ts": `import "./types.ts";`,
  "src/types.ts": "export type Key = string;",
};

Deno.test("the layer check passes a project whose imports all go down", async () => {
  const { code, output } = await check({});
  assertEquals(output, "8 files, 0 wrong imports\n");
  assertEquals(code, 0);
});

const WRONG:
  readonly (readonly [what: string, Readonly<Record<string, string>>, expected: string])[] = [
    [
      "an import upwards",
      {
        "src/cache/b.ts": `import "../types.ts";\nimport "../server/s.ts";`,
        "src/server/s.ts": "",
      },
      "src/cache/b.ts:2 imports src/server/s.ts: cache may import only fill, storage, decide, base",
    ],
    [
      "an import upwards of a type alone",
      { "src/types.ts": `import type { A } from "./cache/t.ts"; export type B = A;` },
      "src/types.ts:1 imports src/cache/t.ts: base may import only itself",
    ],
    [
      "an import upwards that waits for run time",
      { "src/cache/b.ts": `await import("../main/proxy.ts");` },
      "src/cache/b.ts:1 imports src/main/proxy.ts: cache may import only",
    ],
    [
      "config read below main",
      {
        "src/cache/b.ts":
          `import type { Config } from "../config/load.ts"; export type B = Config;`,
      },
      "src/cache/b.ts:1 imports src/config/load.ts: cache may import only",
    ],
    [
      "config that knows more than the bottom",
      { "src/config/load.ts": `import "../decide/c.ts"; export type Config = 1;` },
      "src/config/load.ts:1 imports src/decide/c.ts: config may import only base",
    ],
    [
      "a decision that uses the platform",
      { "src/decide/c.ts": `import "node:fs";` },
      "src/decide/c.ts:1 imports node:fs: of all that is outside, decide may import only node:crypto, " +
      "npm:@streamparser/json, npm:htmlparser2, npm:ipaddr.js",
    ],
    [
      "the manifest read below main",
      { "src/cache/b.ts": `import "../../deno.json" with { type: "json" };` },
      "src/cache/b.ts:1 imports deno.json: cache may import only",
    ],
    [
      "a file that nothing reaches",
      { "src/decide/unused.ts": `import "../main/proxy.ts";` },
      "src/decide/unused.ts:1 imports src/main/proxy.ts: decide may import only base",
    ],
    [
      "a folder that is no layer",
      { "src/utils/u.ts": "", "src/cache/b.ts": `import "../utils/u.ts";` },
      "src/cache/b.ts:1 imports src/utils/u.ts: src/utils/u.ts belongs to no layer",
    ],
    [
      "a cycle within a layer",
      { "src/cache/b.ts": `import "./d.ts";`, "src/cache/d.ts": `import "./a.ts";` },
      "Cycle: src/cache/a.ts > src/cache/b.ts > src/cache/d.ts > src/cache/a.ts",
    ],
  ];

for (const [what, files, expected] of WRONG) {
  Deno.test(`the layer check refuses ${what}`, async () => {
    const { code, output } = await check({ "src/cache/t.ts": "export type A = 1;", ...files });
    assertStringIncludes(output, expected);
    assertEquals(code, 1);
  });
}

/** Runs the tool on the right project with some files changed. */
async function check(
  changed: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  await using root = await tempDir();
  for (const [path, text] of Object.entries({ "deno.json": "{}", ...RIGHT, ...changed })) {
    await Deno.mkdir(dirname(join(root.path, path)), { recursive: true });
    await Deno.writeTextFile(join(root.path, path), text);
  }
  const args = ["run", "--allow-read", "--allow-run", TOOL, root.path];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}
