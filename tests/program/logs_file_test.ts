import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { type LogLine, ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Has another config applied whose outcome standard output does not tell. */
async function apply(
  program: ProgramUnderTest,
  config: Readonly<Record<string, unknown>>,
): Promise<void> {
  await Deno.writeTextFile(program.configFile, program.configText(config));
  program.kill("SIGHUP");
}

/** Resolves when it holds, asking again and again. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 20_000; tries++) {
    if (holds()) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  throw new Error(`Waited in vain: ${what}`);
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Every line is whole: JSON. */
function linesOf(path: string): LogLine[] {
  return textOf(path).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

async function get(program: ProgramUnderTest, path: string): Promise<void> {
  await (await program.fetch(path)).body?.cancel();
}

Deno.test("the log goes to a file; one that was renamed is let go of on SIGHUP", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using folder = await tempDir();
  const path = join(folder.path, "proxy.log");
  const upstream = [{ server: origin.url, name: "toy" }];
  await using program = await ProgramUnderTest.start({ config: { upstream } });
  await apply(program, { upstream, log: { file: { path } } });
  await until("the log is in the file", () => textOf(path).includes("Applied"));
  await get(program, "/one");
  await until("the request is in the file", () => textOf(path).includes("/one"));
  await Deno.rename(path, `${path}.old`);
  await get(program, "/two");
  await until("who is not told goes on", () => textOf(`${path}.old`).includes("/two"));
  assertEquals(textOf(path), "");
  program.kill("SIGHUP");
  await until("a new file is begun", () => textOf(path).includes("Applied"));
  await get(program, "/three");
  // A config that is refused is no reason to keep the old file.
  await Deno.rename(path, `${path}.older`);
  await apply(program, { upstream: [] });
  await until("a new file is begun again", () => textOf(path).includes("Nothing was changed"));
  program.kill("SIGTERM");
  await program.ended;
  const requests = [`${path}.old`, `${path}.older`, path].map((file) =>
    linesOf(file).flatMap((line) => line["logger"] === "cache-proxy.access" ? [line["path"]] : [])
  );
  assertEquals(requests, [["/one", "/two"], ["/three"], []]);
  assertEquals(linesOf(path).at(-1)?.["message"], "Stopped");
  assertEquals(program.requests, [], "standard output has none of it");
  assertEquals(program.stderr, "");
});

Deno.test("a log file is bounded in size and number, and no line is torn or lost", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using folder = await tempDir();
  const path = join(folder.path, "proxy.log");
  const upstream = [{ server: origin.url, name: "toy" }];
  await using program = await ProgramUnderTest.start({ config: { upstream } });
  const file = { path, "max-size": "64KiB", keep: 3 };
  await apply(program, { upstream, log: { file } });
  await until("the log is in the file", () => textOf(path).includes("Applied"));
  const names = Array.from({ length: 1200 }, (_, number) => `/${"x".repeat(50)}/${number}`);
  for (const name of names) await get(program, name);
  program.kill("SIGTERM");
  await program.ended;
  const files = [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
  assertEquals(files, ["proxy.log", "proxy.log.1", "proxy.log.2", "proxy.log.3"]);
  for (const name of files) {
    const { size } = Deno.statSync(join(folder.path, name));
    assert(size <= 64 * 1024, `${name} has ${size} bytes`);
  }
  const kept = files.toReversed().flatMap((name) => linesOf(join(folder.path, name)))
    .flatMap((line) => line["logger"] === "cache-proxy.access" ? [line["path"]] : []);
  assert(kept.length > 300, `${kept.length} lines were kept`);
  assertEquals(kept, names.slice(-kept.length), "the newest lines, in order, without a gap");
});

Deno.test("a log file that cannot be written is told of once, and serving goes on", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using folder = await tempDir();
  const path = join(folder.path, "not-there", "proxy.log");
  const upstream = [{ server: origin.url, name: "toy" }];
  const config = { upstream, log: { file: { path } } };
  // Standard output takes its place from the start, so that the address is told.
  await using program = await ProgramUnderTest.start({ config });
  for (const name of ["/one", "/two"]) {
    await get(program, name);
    await program.line((line) => line["path"] === name);
  }
  assertMatch(program.stderr, /^Cannot write log file \S+, standard output takes its place: .+\n$/);
  await Deno.mkdir(join(folder.path, "not-there"));
  program.kill("SIGHUP");
  await until("the file is written", () => textOf(path).includes("Applied"));
  await get(program, "/three");
  await until("the request is in the file", () => textOf(path).includes("/three"));
  await until("so it is told", () => program.stderr.includes(`Log file ${path} is written again`));
});

Deno.test("a mirror that fails for every file fills no log, and each request is in it", async () => {
  const upstream = [{ server: "http://127.0.0.1:1", name: "absent" }];
  await using program = await ProgramUnderTest.start({ config: { upstream } });
  const names = Array.from({ length: 30 }, (_, number) => `/${number}`);
  for (const name of names) await get(program, name);
  program.kill("SIGTERM");
  await program.ended;
  assertEquals(program.requests.map(({ path }) => path), names);
  const failures = program.log.filter(({ upstream, key }) =>
    upstream === "absent" && typeof key === "string"
  );
  assertEquals(failures.length, 11);
  const { message, leftOut } = failures.at(-1) ?? {};
  assertEquals(leftOut, 20);
  assertMatch(String(message), /^20 more like this were left out: absent failed for \/29: /);
});
