import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;
const DISK_MIB = 64;
const FILE_BYTES = 10 * MIB;
const CLIENTS = 10;

Deno.test("a small disk that fills up in the midst of downloads: everybody gets every byte, and it heals", async () => {
  await using folder = await tempDir();
  const disk = join(folder.path, "disk");
  await Deno.mkdir(disk);
  const problem = await run("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", disk]);
  if (problem !== null) return say(`skipped: no small file system can be mounted here: ${problem}`);
  try {
    await onSmallDisk(disk);
  } finally {
    await run("umount", ["--lazy", disk]);
  }
});

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
async function run(command: string, args: readonly string[]): Promise<string | null> {
  try {
    const output = await new Deno.Command(command, { args: [...args] }).output();
    return output.success ? null : new TextDecoder().decode(output.stderr).trim();
  } catch (error) {
    return String(error);
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
