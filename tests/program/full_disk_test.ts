import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 64;
const FILE_BYTES = 10 * MIB;
const CLIENTS = 10;
const FILES = 100;

Deno.test("a small disk that fills up in the midst of downloads: everybody gets every byte, and it heals", () =>
  withSmallDisk(onSmallDisk));

Deno.test("a file that is put there by hand on a full disk comes from upstream until there is room", () =>
  withSmallDisk(putOnFullDisk));

async function withSmallDisk(run: (disk: string) => Promise<void>): Promise<void> {
  await using folder = await tempDir();
  const disk = join(folder.path, "disk");
  await Deno.mkdir(disk);
  const problem = await command("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", disk]);
  if (problem !== null) return say(`skipped: no small file system can be mounted here: ${problem}`);
  try {
    await run(disk);
  } finally {
    await command("umount", ["--lazy", disk]);
  }
}

async function putOnFullDisk(disk: string): Promise<void> {
  await using origin = new Origin(() => new Response("from upstream"));
  const dataDir = join(disk, "data");
  await using program = await ProgramUnderTest.start({
    config: { upstream: [{ server: origin.url }], cache: { timeout: "never", "min-free": 0 } },
    dataDir,
  });
  const ask = async (at: number): Promise<string> => {
    const response = await program.fetch(`/${at}.deb`);
    return `${response.status} ${await response.text()}`;
  };
  for (let at = 0; at < FILES; at++) {
    await Deno.writeTextFile(join(dataDir, `${at}.deb`), "by hand");
  }
  await fillUp(join(disk, "ballast"));
  // What the index has room for in the blocks that it holds is adopted even so.
  const answers = await Promise.all(Array.from({ length: FILES }, (_, at) => ask(at)));
  for (const answer of answers) assertMatch(answer, /^200 (?:by hand|from upstream)$/);
  assert(answers.includes("200 from upstream"), "the index still took rows");
  const complaints = program.log.filter(({ level }) => level === "ERROR" || level === "WARN");
  assert(complaints.length < 10, `the log complains ${complaints.length} times`);

  await Deno.remove(join(disk, "ballast"));
  for (let at = 0; at < FILES; at++) assertEquals(await ask(at), "200 by hand");
}

/** Takes all that is left of a disk. */
async function fillUp(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  try {
    for (;;) await file.write(new Uint8Array(4096));
  } catch {
    // That was the last block.
  }
}

async function onSmallDisk(disk: string): Promise<void> {
  const bodies = Array.from(
    { length: 3 * CLIENTS },
    (_, seed) => randomBytes(FILE_BYTES, seed + 1),
  );
  await using origin = new Origin(({ target }) => {
    const body = bodies[Number(/\d+/.exec(target)?.[0])] ?? new Uint8Array();
    // Half of them of unknown length: then nobody knows beforehand that there is no room.
    const isSized = !target.includes("unsized");
    return new Response(isSized ? body : new Blob([body]).stream());
  });
  const dataDir = join(disk, "data");
  await using program = await ProgramUnderTest.start({
    config: { upstream: [{ server: origin.url }], cache: { timeout: "never", "min-free": 0 } },
    dataDir,
  });
  const ask = async (at: number): Promise<string | null> => {
    const response = await program.fetch(`/${at}${at % 2 === 0 ? "" : ".unsized"}.iso`);
    assertEquals(response.status, 200);
    assertSameBytes(await response.bytes(), bodies[at] ?? new Uint8Array());
    return response.headers.get("x-cache");
  };
  const all = (from: number): Promise<(string | null)[]> =>
    Promise.all(Array.from({ length: CLIENTS }, (_, at) => ask(from + at)));

  // Somebody else takes most of the disk, so that ten files of 10 MiB cannot be held at once.
  await Deno.writeFile(join(disk, "ballast"), new Uint8Array(40 * MIB));
  await all(0);
  await all(CLIENTS);
  assertOnlyWholeFiles(dataDir);
  const complaints = program.log.filter(({ level }) => level === "ERROR" || level === "WARN");
  assert(complaints.length > 0, "nothing was said of the full disk");
  assert(complaints.length < 10, `the log complains ${complaints.length} times`);

  await Deno.remove(join(disk, "ballast"));
  await all(2 * CLIENTS);
  await program.line(({ message }) => message === "Files are stored again");
  const [last = null] = await Promise.all([ask(2 * CLIENTS)]);
  assert(last === "HIT" || last === "MISS");
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
  assertOnlyWholeFiles(dataDir);
  assert(filesOf(dataDir).length > 0, "nothing is stored although there is room again");
}

/** What is stored is whole: each file of ours has one size. */
function assertOnlyWholeFiles(dataDir: string): void {
  for (const { size } of filesOf(dataDir)) assertEquals(size, FILE_BYTES);
}

function filesOf(dataDir: string): Deno.FileInfo[] {
  return [...Deno.readDirSync(dataDir)].filter(({ isFile }) => isFile)
    .map(({ name }) => Deno.lstatSync(join(dataDir, name)));
}

/** null when the command succeeds. */
async function command(name: string, args: readonly string[]): Promise<string | null> {
  try {
    const output = await new Deno.Command(name, { args: [...args] }).output();
    return output.success ? null : new TextDecoder().decode(output.stderr).trim();
  } catch (error) {
    return String(error);
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
