import { assert, assertEquals, assertRejects } from "@std/assert";
import { StorageError } from "../../src/errors.ts";
import { sendFile } from "../../src/server/http1/file_sender.ts";
import { FilePart } from "../../src/storage/read_file.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { forSeeds } from "../support/for_seeds.ts";
import { Gate } from "../support/gate.ts";
import { Random } from "../support/random.ts";
import { tempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;
const SIZE = 24 * MIB + 12_345;
const ALL = randomBytes(SIZE);

/** A stored file, and how much of it is read. */
class Stored implements AsyncDisposable {
  readBytes = 0;
  readonly path: string;
  readonly #dir: AsyncDisposable;

  constructor(dir: AsyncDisposable & { readonly path: string }) {
    this.#dir = dir;
    this.path = `${dir.path}/x.iso`;
  }

  static async create(): Promise<Stored> {
    const stored = new Stored(await tempDir());
    await Deno.writeFile(stored.path, ALL);
    return stored;
  }

  /** Hands the bytes on; `each` is told of each piece, and ends it by throwing. */
  async send(
    start: number,
    end: number,
    each: (sent: number) => Promise<void> | void = () => {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const file = await Deno.open(this.path);
    const read = file.read.bind(file);
    file.read = async (bytes) => {
      const count = await read(bytes);
      this.readBytes += count ?? 0;
      return count;
    };
    const open = { file, version: this.path, [Symbol.dispose]: () => file.close() };
    const got = new Uint8Array(end - start);
    let sent = 0;
    await sendFile(new FilePart(open, start, end), async (bytes) => {
      await each(sent);
      got.set(bytes, sent);
      sent += bytes.byteLength;
    });
    return got.subarray(0, sent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir[Symbol.asyncDispose]();
  }
}

Deno.test("eight who send a file at the same time read it once", async () => {
  await using stored = await Stored.create();
  const all = await Promise.all(Array.from({ length: 8 }, () => stored.send(0, SIZE)));
  for (const got of all) assertSameBytes(got, ALL);
  assert(stored.readBytes < SIZE * 1.5, `${stored.readBytes} bytes read of ${SIZE}`);
});

Deno.test("who is far behind gets the right bytes, and reads on its own", async () => {
  await using stored = await Stored.create();
  const others = new Gate();
  const slow = stored.send(0, SIZE, (sent) => sent > 0 ? others.opened : undefined);
  const quick = await Promise.all([stored.send(0, SIZE), stored.send(7, SIZE)]);
  others.open();
  assertSameBytes(await slow, ALL);
  assertSameBytes(quick[0], ALL);
  assertSameBytes(quick[1], ALL.subarray(7));
  assert(stored.readBytes > SIZE * 1.5, `${stored.readBytes} bytes read of ${SIZE}`);
});

Deno.test("who leaves breaks nobody else off", async () => {
  await using stored = await Stored.create();
  const leaving = stored.send(0, SIZE, (sent) => {
    if (sent > 2 * MIB) throw new Error("the client has left");
  });
  const staying = stored.send(0, SIZE);
  await assertRejects(() => leaving, Error, "left");
  assertSameBytes(await staying, ALL);
});

Deno.test("a file that ends early fails for all, and what failed is not sent again", async () => {
  await using stored = await Stored.create();
  const restored = new Gate();
  const wait = (sent: number) => sent > 0 ? restored.opened : undefined;
  const early = [stored.send(0, SIZE, wait), stored.send(0, SIZE, wait)];
  await Deno.truncate(stored.path, 10 * MIB);
  const failing = [stored.send(0, SIZE), stored.send(0, SIZE)];
  for (const it of failing) await assertRejects(() => it, StorageError, "ends at byte");
  await Deno.writeFile(stored.path, ALL);
  assertSameBytes(await stored.send(9 * MIB, SIZE), ALL.subarray(9 * MIB));
  restored.open();
  for (const it of early) assertSameBytes(await it, ALL);
});

Deno.test("each of many gets its own bytes, whatever the others do", async () => {
  await using stored = await Stored.create();
  await forSeeds(60, async (seed) => {
    const random = new Random(seed);
    const start = random.below(3) === 0 ? 0 : random.below(SIZE);
    const end = Math.min(SIZE, start + 1 + random.below(8 * MIB));
    const until = random.below(3) === 0 ? random.below(end - start) : Infinity;
    const sending = stored.send(start, end, async (sent) => {
      if (sent >= until) throw new Error("the client has left");
      for (let turns = random.below(4); turns > 0; turns--) {
        await new Promise<void>((resolve) => setTimeout(resolve));
      }
    });
    if (until === Infinity) assertSameBytes(await sending, ALL.subarray(start, end));
    else await sending.catch(({ message }) => assertEquals(message, "the client has left"));
  });
});
