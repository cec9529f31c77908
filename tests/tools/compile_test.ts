import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const TOOL = join(ROOT, "tools/compile.ts");

/** A port that nobody listens on, as the proxy for a download that must fail. */
const NOBODY = "http://127.0.0.1:1";

// The runtime to embed (denort) need not be there where the tests run, so the whole of deno takes
// its place. The file that comes out is complete but does not run the program: deno does not look
// for one at its own end.
Deno.test("the compiled file holds the program, its packages and nothing of the tests", async () => {
  await using folder = await tempDir();
  const output = join(folder.path, "cache-proxy");
  const { code, report } = await compile(ROOT, output, { DENORT_BIN: Deno.execPath() });
  assertEquals(code, 0, report);

  const { roots, names } = embeddedFiles(report);
  assertEquals(roots, [".deno_compile_node_modules", "deno.json", "main.ts", "src"]);
  for (const folder of ["main", "config", "server", "cache", "fill", "storage", "decide"]) {
    assert(names.includes(folder), `src/${folder} in ${names}`);
  }
  const packages = names.flatMap((name) => /^(.+)\/[\d.]+$/.exec(name)?.[1] ?? []);
  assert(packages.includes("zod") && packages.includes("re2js"), `packages ${packages}`);
  for (const name of ["fast-check", "pure-rand", "playwright-core"]) {
    assert(!packages.includes(name), name);
  }
  const executable = new TextDecoder("latin1").decode(await Deno.readFile(output));
  // A part of the dashboard, and of the library that it draws with.
  for (const text of ["cache-proxy-theme", ".u-cursor-pt"]) {
    assert(executable.includes(text), `${text} in the executable`);
  }
  // Loaded by its URL alone, and with the one unstable feature that it takes.
  assert(executable.includes("Where a serving worker begins"), "the worker in the executable");
  assertMatch(executable, /"features":\[[^\]]*"net"/);
  const { granted, prompt } = await embeddedPermissions(output);
  assertEquals(granted, ["env", "net", "read", "sys", "write"]);
  assertEquals(prompt, false);
});

Deno.test("compiling without the runtime to embed ends with one line that says so", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "main.ts"), "Deno.exitCode = 0;\n");
  await Deno.writeTextFile(join(folder.path, "deno.json"), "{}\n");
  const output = join(folder.path, "out");
  // A cache of its own, so that no earlier download is there.
  const env = {
    DENO_DIR: join(folder.path, "cache"),
    HTTPS_PROXY: NOBODY,
    https_proxy: NOBODY,
    NO_PROXY: "",
    no_proxy: "",
  };
  const { code, report } = await compile(folder.path, output, env);
  assertEquals(code, 1);
  assertMatch(
    report,
    /^Compiling main\.ts to .*\nCannot compile: the runtime to embed could not be downloaded \(.+\); set DENORT_BIN to a denort of the same version\n$/,
  );
});

Deno.test("compiling a program with a fault says what the fault is", async () => {
  await using folder = await tempDir();
  await Deno.writeTextFile(join(folder.path, "main.ts"), "const count: number = 'one';\ncount;\n");
  await Deno.writeTextFile(join(folder.path, "deno.json"), "{}\n");
  const { code, report } = await compile(folder.path, join(folder.path, "out"), {});
  assertEquals(code, 1);
  assertMatch(report, /TS2322/);
});

async function compile(
  cwd: string,
  output: string,
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; report: string }> {
  const args = ["run", "--allow-read", "--allow-run", TOOL, output];
  // A runtime that is set for everyday use would do what these tests say is not possible.
  const { DENORT_BIN: _, ...inherited } = Deno.env.toObject();
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    clearEnv: true,
    env: { ...inherited, ...env },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, report: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Reads the tree that deno prints: its first level, and the names of all files and folders. */
function embeddedFiles(report: string): { roots: string[]; names: string[] } {
  const lines = [...report.matchAll(/^([│ ]*)[├└]─[─┬] (\S+?)(?:\/\*)?(?: \(.*)?$/gm)];
  return {
    roots: lines.flatMap(([, indent, name = ""]) => indent === "" ? [name] : []),
    names: lines.map(([, , name = ""]) => name),
  };
}

/** Reads what deno wrote into the file for the runtime. A kind that is denied is not granted. */
async function embeddedPermissions(
  file: string,
): Promise<{ granted: string[]; prompt: unknown }> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(file));
  const start = text.lastIndexOf('"permissions":');
  const json = /"permissions":(\{[^{}]*\})/.exec(text.slice(start))?.[1] ?? "{}";
  const flags: Record<string, unknown> = JSON.parse(json);
  const granted = Object.keys(flags)
    .flatMap((name) => /^allow_(.+)$/.exec(name)?.[1] ?? [])
    .filter((kind) => flags[`allow_${kind}`] !== null && flags[`deny_${kind}`] === null)
    .sort();
  return { granted, prompt: flags["prompt"] };
}
