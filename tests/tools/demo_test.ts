import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";

const DEMO = fromFileUrl(new URL("../../tools/demo.ts", import.meta.url));
const ARGS = ["run", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", "--allow-write"];

/** The README shows the output whole. */
const MAX_LINES = 30;

Deno.test("the demo shows a race, its winner, its cost and a hit, and leaves nothing", async () => {
  const { code, stdout, stderr, left } = await demo(() => {});
  assertEquals([code, stderr, left], [0, "", []]);
  assertLess(stdout.split("\n").length, MAX_LINES);
  assert(!stdout.includes("\x1b"), "escape sequences where there is no terminal");
  assertMatch(stdout, /^ {2}fast .* 64\.0 MiB {2}won after \d\.\d\d s$/m);
  assertMatch(stdout, /^ {2}slow .* \d\.\d MiB {2}cancelled$/m);
  assertMatch(stdout, /^ {2}silent .* 0\.0 MiB {2}cancelled, had not answered$/m);
  assertMatch(stdout, /^ {2}flaky .* 3\.0 MiB {2}broke off$/m);
  assertMatch(stdout, /^ {2}client .* 64\.0 MiB {2}MISS in \d\.\d\d s, \d+\.\d MiB\/s$/m);
  assertMatch(stdout, /^ {2}client .* 64\.0 MiB {2}HIT in \d\.\d\d s, \d+(\.\d)? MiB\/s$/m);
  assertMatch(stdout, /the second download 0\.0 MiB\.$/m);
  assertMatch(stdout, /^Both downloads are the mirrors' file/m);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`the demo leaves nothing when ${signal} ends it`, async () => {
    const { code, stdout, stderr, left } = await demo((child) => child.kill(signal));
    assertEquals([code, stderr, left], [0, "The demo was stopped\n", []]);
    assert(!stdout.includes("MISS"), stdout);
  });
}

/** Runs the demo; `onStart` is called when it has written its first line. */
async function demo(
  onStart: (child: Deno.ChildProcess) => void,
): Promise<{ code: number; stdout: string; stderr: string; left: string[] }> {
  await using folder = await tempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ARGS, "--allow-env", "--allow-sys=statfs,osUptime", DEMO],
    env: { TMPDIR: folder.path },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let stdout = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (stdout === "") onStart(child);
    stdout += text;
  }
  const { code } = await child.status;
  const left = (await Array.fromAsync(Deno.readDir(folder.path))).map(({ name }) => name);
  return { code, stdout, stderr: await stderr, left };
}
