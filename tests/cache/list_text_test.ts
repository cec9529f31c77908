import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { listBytes } from "../../src/cache/list_text.ts";
import { assertSameBytes, bytesOf, randomBytes } from "../support/body.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Of `A list.\n`, as xz 5.4 writes it. */
const XZ =
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAHQSBsaXN0LgoAx9fIyW5IVUwAASAIuxnZux+2830BAAAAAARZWg==";

async function unpacked(bytes: Uint8Array, encoding: string | null = null): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await using dir = await tempDir();
  const path = join(dir.path, "list");
  Deno.writeFileSync(path, bytes);
  using file = Deno.openSync(path, { read: true });
  for await (const part of listBytes(file, encoding)) parts.push(new Uint8Array(part));
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

Deno.test("a list is unpacked by its first bytes, whatever it is called", async () => {
  const list = randomBytes(700_000);
  assertSameBytes(await unpacked(list.fill(65, 0, 4)), list);
  assertSameBytes(await unpacked(gzipSync(list)), list);
  assertSameBytes(await unpacked(zstdCompressSync(list)), list);
  assertSameBytes(await unpacked(brotliCompressSync(list), "br"), list);
  const text = bytesOf("A list.\n");
  assertSameBytes(await unpacked(Uint8Array.fromBase64(XZ)), text);
  assertEquals(await unpacked(new Uint8Array()), new Uint8Array());
});

Deno.test("a gzip file of several members is read to its end", async () => {
  const two = new Uint8Array([...gzipSync("one "), ...gzipSync("two")]);
  assertSameBytes(await unpacked(two), bytesOf("one two"));
});

Deno.test("what is cut off or damaged is an error, and nothing is left open", async () => {
  const list = randomBytes(300_000);
  // The platform takes a zstd file that is cut off for a whole one; what is stored is never cut off.
  for (const packed of [gzipSync(list), Uint8Array.fromBase64(XZ)]) {
    await assertRejects(() => unpacked(packed.subarray(0, packed.length - 5)));
    const damaged = new Uint8Array(packed);
    damaged.fill(0xff, packed.length / 2, packed.length / 2 + 20);
    await assertRejects(() => unpacked(damaged));
  }
  await assertRejects(() => unpacked(bytesOf("BZh91AY&SY")), Error, "bzip2");
});

Deno.test("who stops early leaves nothing open", async () => {
  const list = randomBytes(1_000_000);
  for (const packed of [list, gzipSync(list), zstdCompressSync(list)]) {
    await using dir = await tempDir();
    Deno.writeFileSync(join(dir.path, "list"), packed);
    using file = Deno.openSync(join(dir.path, "list"), { read: true });
    for await (const _ of listBytes(file, null)) break;
  }
});
