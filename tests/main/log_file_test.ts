import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { LogFile } from "../../src/main/log_file.ts";
import { LogOutput } from "../../src/main/log_output.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { tempDir } from "../support/temp_dir.ts";

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What the files of a folder hold, by their names. */
function contentsOf(folder: string): Record<string, string> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(join(folder, name))]));
}

Deno.test("a log file that is full is set aside, and as many as were asked for are kept", async () => {
  await using folder = await tempDir();
  const file = new LogFile({ path: join(folder.path, "log"), maxBytes: 8, keep: 2 });
  const seen: Record<string, string>[] = [];
  for (const line of ["one\n", "two\n", "three\n", "larger than all\n", "five\n"]) {
    file.write(bytesOf(line));
    seen.push(contentsOf(folder.path));
  }
  file.close();
  assertEquals(seen, [
    { log: "one\n" },
    { log: "one\ntwo\n" },
    { log: "three\n", "log.1": "one\ntwo\n" },
    { log: "larger than all\n", "log.1": "three\n", "log.2": "one\ntwo\n" },
    { log: "five\n", "log.1": "larger than all\n", "log.2": "three\n" },
  ]);
});

Deno.test("nothing is kept with keep 0, and nothing set aside with max-size 0", async () => {
  await using folder = await tempDir();
  const none = new LogFile({ path: join(folder.path, "none"), maxBytes: 4, keep: 0 });
  const all = new LogFile({ path: join(folder.path, "all"), maxBytes: 0, keep: 2 });
  for (const file of [none, all]) {
    file.write(bytesOf("one\n"));
    file.write(bytesOf("two\n"));
    file.close();
  }
  assertEquals(contentsOf(folder.path), { all: "one\ntwo\n", none: "two\n" });
});

Deno.test("what a log file holds when it is opened counts; what was cut off it does not", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "log");
  Deno.writeTextFileSync(path, "before\n");
  const file = new LogFile({ path, maxBytes: 10, keep: 1 });
  file.write(bytesOf("one\n"));
  assertEquals(contentsOf(folder.path), { log: "one\n", "log.1": "before\n" });
  file.write(bytesOf("two\n"));
  // As logrotate does with copytruncate.
  Deno.truncateSync(path);
  file.write(bytesOf("three\n"));
  file.close();
  assertEquals(contentsOf(folder.path), { log: "three\n", "log.1": "before\n" });
  assertEquals((Deno.statSync(path).mode ?? 0) & 0o007, 0, "others may not read it");
});

Deno.test("a file that cannot be set aside is not written beyond its size", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "log");
  await Deno.mkdir(join(folder.path, "log.1", "in-the-way"), { recursive: true });
  const file = new LogFile({ path, maxBytes: 4, keep: 1 });
  file.write(bytesOf("one\n"));
  assertThrows(() => file.write(bytesOf("two\n")));
  assertEquals(Deno.readTextFileSync(path), "one\n");
  await Deno.remove(join(folder.path, "log.1"), { recursive: true });
  file.write(bytesOf("three\n"));
  file.close();
  assertEquals(contentsOf(folder.path), { log: "three\n", "log.1": "one\n" });
});

Deno.test("a disk that is full in the middle of a line leaves whole lines only", async () => {
  await using folder = await tempDir();
  const path = join(folder.path, "log");
  const file = new LogFile({ path, maxBytes: 0, keep: 1 });
  file.write(bytesOf("one\n"));
  const { writeSync } = Deno.FsFile.prototype;
  let calls = 0;
  Deno.FsFile.prototype.writeSync = function (bytes): number {
    if (++calls === 2) throw new Error("No space left on device");
    return writeSync.call(this, bytes.subarray(0, 2));
  };
  try {
    assertThrows(() => file.write(bytesOf("two\n")), Error, "No space left");
  } finally {
    Deno.FsFile.prototype.writeSync = writeSync;
  }
  assertEquals(calls, 2);
  assertEquals(contentsOf(folder.path), { log: "one\n" });
  file.write(bytesOf("three\n"));
  file.close();
  assertEquals(contentsOf(folder.path), { log: "one\nthree\n" });
});

Deno.test("standard output takes the place of a file until it can be written, told once", async () => {
  await using folder = await tempDir();
  const below = join(folder.path, "folder");
  const path = join(below, "log");
  const clock = new ManualClock();
  const printed: string[] = [];
  const complaints: string[] = [];
  const output = new LogOutput({
    clock,
    print: (bytes) => void printed.push(new TextDecoder().decode(bytes)),
    complain: (line) => void complaints.push(line),
  });
  const file = { path, maxBytes: 0, keep: 1 };
  output.use(file);
  output.write(bytesOf("one\n"));
  await Deno.mkdir(below);
  output.write(bytesOf("two\n"));
  assertEquals(contentsOf(below), {}, "it is left alone for a while");
  clock.advance(4_999);
  output.write(bytesOf("three\n"));
  clock.advance(1);
  output.write(bytesOf("four\n"));
  assertEquals(printed, ["one\n", "two\n", "three\n"]);
  assertEquals(contentsOf(below), { log: "four\n" });
  assertMatch(complaints[0] ?? "", /^Cannot write log file .*, standard output takes its place: /);
  assertEquals(complaints.slice(1), [`Log file ${path} is written again`]);

  await Deno.remove(below, { recursive: true });
  output.use(file);
  output.write(bytesOf("five\n"));
  await Deno.mkdir(below);
  output.use(file);
  output.write(bytesOf("six\n"));
  assertEquals(contentsOf(below), { log: "six\n" }, "who applies the config need not wait");
  output.use(null);
  output.write(bytesOf("seven\n"));
  assertEquals(printed.slice(3), ["five\n", "seven\n"]);
  assertEquals(complaints.length, 4);
});
