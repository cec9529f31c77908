import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { StorageError } from "../../src/errors.ts";
import { fileStream } from "../../src/storage/read_file.ts";
import { TemporaryDirectory } from "./support.ts";

/** Several reads long, and no multiple of one. */
const SIZE = 600_001;
const CONTENT = Uint8Array.from({ length: SIZE }, (_, n) => n % 251);

/** A file with the content, and how often the streams over it have closed it. */
class Subject implements AsyncDisposable {
  closings = 0;

  private constructor(readonly directory: TemporaryDirectory, readonly path: string) {}

  static async make(): Promise<Subject> {
    const directory = await TemporaryDirectory.make();
    const path = `${directory.path}/file`;
    await Deno.writeFile(path, CONTENT);
    return new Subject(directory, path);
  }

  async stream(start: number, endExclusive: number): Promise<ReadableStream<Uint8Array>> {
    return this.over(await Deno.open(this.path), start, endExclusive);
  }

  over(file: Deno.FsFile, start: number, endExclusive: number): ReadableStream<Uint8Array> {
    const dispose = (): void => {
      file.close();
      this.closings++;
    };
    return fileStream({ file, [Symbol.dispose]: dispose }, start, endExclusive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.directory[Symbol.asyncDispose]();
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as BodyInit).arrayBuffer());
}

Deno.test("a stream gives exactly the bytes of its range", async () => {
  await using subject = await Subject.make();
  const position = fc.integer({ min: 0, max: SIZE });
  await fc.assert(
    fc.asyncProperty(position, position, async (one, other) => {
      const [start, end] = [Math.min(one, other), Math.max(one, other)];
      subject.closings = 0;
      const read = await readAll(await subject.stream(start, end));
      assertEquals(read.length, end - start);
      assertEquals(read, CONTENT.slice(start, end));
      assertEquals(subject.closings, 1);
    }),
    { numRuns: 30, examples: [[0, SIZE], [0, 0], [SIZE, SIZE], [0, 1], [SIZE - 1, SIZE]] },
  );
});

Deno.test("the position of the file does not matter", async () => {
  await using subject = await Subject.make();
  const file = await Deno.open(subject.path);
  await file.seek(1000, Deno.SeekMode.Start);
  assertEquals(await readAll(subject.over(file, 10, 20)), CONTENT.slice(10, 20));
});

Deno.test("a reader with buffers of its own is served", async () => {
  await using subject = await Subject.make();
  const stream = await subject.stream(5, 105);
  const reader = stream.getReader({ mode: "byob" });
  const read: number[] = [];
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(30));
    if (done) break;
    read.push(...value);
  }
  assertEquals(read, [...CONTENT.slice(5, 105)]);
  assertEquals(subject.closings, 1);
});

Deno.test("a file that ends early is an error and never a short success", async () => {
  await using subject = await Subject.make();
  for (const [start, end] of [[0, SIZE + 1], [SIZE, SIZE + 1], [SIZE + 5, SIZE + 9]] as const) {
    subject.closings = 0;
    const reader = (await subject.stream(start, end)).getReader();
    let count = 0;
    await assertRejects(
      async () => {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          count += value.length;
        }
      },
      StorageError,
      `Cannot read up to byte ${end}: the file ends at byte`,
    );
    assertEquals(count, Math.max(0, SIZE - start));
    assertEquals(subject.closings, 1);
  }
});

Deno.test("a file that is cut off while it is read is an error", async () => {
  await using subject = await Subject.make();
  const reader = (await subject.stream(0, SIZE)).getReader();
  await reader.read();
  await Deno.truncate(subject.path, 10);
  await assertRejects(() => reader.read(), StorageError);
  assertEquals(subject.closings, 1);
});

Deno.test("a failing read is an error of ours and closes the file", async () => {
  await using subject = await Subject.make();
  // A directory opens, and fails when it is read.
  const stream = subject.over(await Deno.open(subject.directory.path), 0, 10);
  const error = await assertRejects(() => readAll(stream), StorageError, "Cannot read at byte 0");
  assertEquals(error.code, "storage-failed");
  assertEquals(subject.closings, 1);
});

Deno.test("a cancelled stream closes its file, before the first read and later", async () => {
  await using subject = await Subject.make();
  await (await subject.stream(0, SIZE)).cancel();
  assertEquals(subject.closings, 1);

  const reader = (await subject.stream(0, SIZE)).getReader();
  await reader.read();
  await reader.cancel();
  await reader.cancel();
  assertEquals(subject.closings, 2);
});

Deno.test("a stream that is cancelled in the middle of a read ends once", async () => {
  await using subject = await Subject.make();
  const reader = (await subject.stream(0, SIZE)).getReader();
  const read = reader.read();
  await reader.cancel();
  assertEquals((await read).done, true);
  assertEquals(subject.closings, 1);
});

Deno.test("nothing is read before somebody reads", async () => {
  await using subject = await Subject.make();
  const file = await Deno.open(subject.path);
  const stream = subject.over(file, 0, SIZE);
  // Pulling would start in a microtask after the start.
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(file.seekSync(0, Deno.SeekMode.Current), 0);
  await stream.cancel();
});
