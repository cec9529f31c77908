import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

const TASKS: Readonly<Record<string, { readonly description: string; readonly command: string }>> =
  manifest.tasks;

Deno.test("the tasks that the README and the gate name are there", () => {
  for (
    const name of ["start", "dev", "test", "test:live", "ok", "compile", "schema", "demo", "layers"]
  ) {
    assert(name in TASKS, name);
  }
});

for (const [name, { command }] of Object.entries(TASKS)) {
  Deno.test(`the task ${name} refers to what is there`, async () => {
    for (const other of command.matchAll(/deno task (\S+)/g)) assert((other[1] ?? "") in TASKS);
    const files = command.split(/\s+/).filter((word) =>
      /^(?:src|tests?|tools)\b|\.(?:ts|json)$/.test(word) && !word.startsWith("-") &&
      !(word in TASKS)
    );
    for (const file of files) await Deno.stat(join(ROOT, file));
  });
}

Deno.test("the task start starts the program, with no deno on the PATH", async () => {
  // A deno that is found there would not be the one that runs the task.
  const command = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "start", "--version"],
    cwd: ROOT,
    env: { PATH: "/nonexistent" },
  });
  const { code, stdout, stderr } = await command.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(new TextDecoder().decode(stdout), `cache-proxy ${manifest.version}\n`);
});

Deno.test("the program is not given more than compile gives it", async () => {
  const compile = await Deno.readTextFile(join(ROOT, "tools/compile.ts"));
  const compiled = [...compile.matchAll(/"(--allow-[a-z=]+)"/g)].map(([, flag]) => flag);
  for (const name of ["start", "dev"]) {
    const given = TASKS[name]?.command.match(/--allow-\S+/g) ?? [];
    assertEquals([...given].sort(), [...compiled].sort());
  }
});

Deno.test("deno is pinned in one version everywhere", async () => {
  const version = (await Deno.readTextFile(join(ROOT, ".deno-version"))).trim();
  assertMatch(version, /^\d+\.\d+\.\d+$/);
  const texts = await Promise.all(["Dockerfile", "README.md"].map(readIfThere));
  const found = [...texts.join("\n").matchAll(/\bdeno[@:](\d[\d.]*\d)/g)].map(([, it]) => it);
  assert(found.length > 0, "no version in Dockerfile");
  assertEquals(found, found.map(() => version));
});

async function readIfThere(file: string): Promise<string> {
  try {
    return await Deno.readTextFile(join(ROOT, file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
