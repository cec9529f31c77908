import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** Plays deno: its version, its checks and its test report are what the environment says. */
const FAKE_DENO = `#!/bin/sh
case "$*" in
  --version) echo "deno $FAKE_VERSION (stable)" ;;
  "task check") exit "$FAKE_CHECK" ;;
  "task test") printf '%b' "$FAKE_REPORT"; exit "$FAKE_TEST" ;;
esac
`;

/** Plays npm: installs the deno above, of the version that is wanted, and says what it was asked. */
const FAKE_NPM = `#!/bin/sh
echo "npm $*"
mkdir -p .deno/node_modules/.bin
sed "s/\\$FAKE_VERSION/$(cat .deno-version)/" "$0.deno" > .deno/node_modules/.bin/deno
chmod +x .deno/node_modules/.bin/deno
`;

interface Fake {
  readonly report: string;
  readonly test?: number;
  readonly check?: number;
  readonly version?: string;
}

const RUNS: readonly (readonly [what: string, Fake, lastLine: string, code: number])[] = [
  [
    "everything that passed",
    { report: "a ... ok\\n\\nok | 12 passed (34 steps) | 0 failed | 2 ignored (3s)\\n\\n" },
    "12 passed, 0 failed",
    0,
  ],
  [
    "coloured reports",
    { report: "\\033[0m\\033[32mok\\033[0m | 7 passed | 0 failed \\033[0m\\033[38;5;245m(1s)\\n" },
    "7 passed, 0 failed",
    0,
  ],
  [
    "failures",
    { report: "FAILED | 5 passed (3 steps) | 2 failed (1 step) (1s)\\n", test: 1 },
    "5 passed, 2 failed",
    1,
  ],
  ["no test at all", { report: "ok | 0 passed | 0 failed (0s)\\n" }, "0 passed, 0 failed", 1],
  [
    "tests that do not compile",
    { report: "error: Type checking failed.\\n", test: 1 },
    "0 passed, 0 failed",
    1,
  ],
  [
    "a failed check before tests that pass",
    { report: "ok | 3 passed | 0 failed (1s)\\n", check: 1 },
    "3 passed, 0 failed",
    1,
  ],
  [
    "a crash after tests that passed",
    { report: "ok | 3 passed | 0 failed (1s)\\n", test: 1 },
    "3 passed, 0 failed",
    1,
  ],
];

for (const [what, fake, lastLine, code] of RUNS) {
  Deno.test(`the run of a clean clone reports ${what}`, async () => {
    const run = await runCi(fake);
    assertEquals([run.lines.at(-1), run.code], [lastLine, code]);
  });
}

Deno.test("the run of a clean clone installs deno where it is missing or another one", async () => {
  const run = await runCi({ report: "ok | 1 passed | 0 failed (1s)\\n", version: "1.0.0" });
  const version = (await Deno.readTextFile(join(ROOT, ".deno-version"))).trim();
  assertMatch(version, /^\d+\.\d+\.\d+$/);
  assertStringIncludes(run.output, `npm install --prefix .deno`);
  assertStringIncludes(run.output, `deno@${version}\n`);
  assertEquals([run.lines.at(-1), run.code], ["1 passed, 0 failed", 0]);
});

async function runCi(
  fake: Fake,
): Promise<{ code: number; output: string; lines: readonly string[] }> {
  await using folder = await tempDir();
  await Deno.mkdir(join(folder.path, ".ci"));
  await Deno.mkdir(join(folder.path, "bin"));
  for (const file of [".ci/run", ".deno-version"]) {
    await Deno.symlink(join(ROOT, file), join(folder.path, file));
  }
  for (const [name, text] of [["deno", FAKE_DENO], ["npm", FAKE_NPM], ["npm.deno", FAKE_DENO]]) {
    await Deno.writeTextFile(join(folder.path, "bin", name ?? ""), text ?? "", { mode: 0o755 });
  }
  const wanted = (await Deno.readTextFile(join(folder.path, ".deno-version"))).trim();
  const command = new Deno.Command(join(folder.path, ".ci/run"), {
    env: {
      PATH: `${join(folder.path, "bin")}:${Deno.env.get("PATH")}`,
      FAKE_VERSION: fake.version ?? wanted,
      FAKE_REPORT: fake.report,
      FAKE_CHECK: String(fake.check ?? 0),
      FAKE_TEST: String(fake.test ?? 0),
    },
  });
  const { code, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  const output = new TextDecoder().decode(stderr) + text;
  return { code, output, lines: text.trimEnd().split("\n") };
}
