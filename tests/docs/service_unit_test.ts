import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";
import { isInstalled } from "../tools/is_installed.ts";
import { codeBlocks, readProject } from "./pages.ts";

const ignore = !await isInstalled("systemd-analyze", "--version");
if (ignore) {
  Deno.stderr.writeSync(new TextEncoder().encode("Skipped: no systemd-analyze here, the unit\n"));
}

const UNIT = await readProject("deploy/cache-proxy.service");
const START = "ExecStart=/usr/local/bin/cache-proxy ";

/** Has systemd read a unit, with what `systemctl edit` would add to it. */
async function verify(
  dropIn: string,
  name = "cache-proxy.service",
  content = UNIT,
): Promise<{ code: number; text: string }> {
  await using folder = await tempDir();
  const unit = join(folder.path, name);
  assertStringIncludes(content, START);
  // What it starts has to be there.
  await Deno.writeTextFile(unit, content.replace(START, "ExecStart=/bin/true "));
  await Deno.mkdir(`${unit}.d`);
  await Deno.writeTextFile(join(`${unit}.d`, "override.conf"), dropIn);
  const args = ["verify", "--man=no", "--recursive-errors=no", unit];
  const { code, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  // What it says of other units on this machine is none of ours.
  const text = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line.includes(name) || line.includes("override.conf")).join("\n");
  return { code, text };
}

Deno.test({ name: "systemd accepts deploy/cache-proxy.service", ignore }, async () => {
  assertEquals(await verify(""), { code: 0, text: "" });
});

Deno.test(
  { name: "systemd accepts every addition that service.md makes to the unit", ignore },
  async () => {
    const blocks = codeBlocks(await readProject("docs/service.md"));
    const additions = blocks.filter(({ language }) => language === "ini");
    assert(additions.length >= 4);
    for (const { text } of additions) assertEquals(await verify(text), { code: 0, text: "" }, text);
  },
);

Deno.test({ name: "systemd accepts what nginx.md adds to nginx's unit", ignore }, async () => {
  const blocks = codeBlocks(await readProject("docs/nginx.md"));
  const [addition] = blocks.filter(({ language }) => language === "ini");
  const answer = await verify(addition?.text ?? "", "nginx.service", `[Service]\n${START}\n`);
  assertEquals(answer, { code: 0, text: "" });
  assertStringIncludes(addition?.text ?? "", "BindReadOnlyPaths=");
});

Deno.test({ name: "what systemd does not know is noticed", ignore }, async () => {
  const { text } = await verify("[Service]\nLimitNoFiles=1\n");
  assertStringIncludes(text, "LimitNoFiles");
});

Deno.test({ name: "the unit leaves little to an intruder", ignore }, async () => {
  await using folder = await tempDir();
  const unit = join(folder.path, "cache-proxy.service");
  await Deno.writeTextFile(unit, UNIT);
  // In tenths: 0 is everything shut, 100 nothing.
  const args = ["security", "--offline=yes", "--threshold=20", unit];
  const { code, stdout } = await new Deno.Command("systemd-analyze", { args }).output();
  assertEquals(code, 0, new TextDecoder().decode(stdout));
});

Deno.test("the unit, the pages and the program agree on how long a shutdown takes", async () => {
  const source = await readProject("src/main/commands/serve_command.ts");
  const grace = /SHUTDOWN_GRACE_MS = (\d+)_000;/.exec(source)?.[1];
  const stop = /^TimeoutStopSec=(\d+)$/m.exec(UNIT)?.[1];
  assert(Number(stop) > Number(grace), `${stop} s for a shutdown of ${grace} s`);
  const page = await readProject("docs/service.md");
  assertStringIncludes(page, `under way ${grace} seconds (\`TimeoutStopSec=${stop}\``);
  const others = [...page.matchAll(/(?:--stop-timeout|GracePeriodSeconds:) (\d+)/g)];
  assert(others.length >= 2);
  for (const [, seconds] of others) assert(Number(seconds) > Number(grace));
});
