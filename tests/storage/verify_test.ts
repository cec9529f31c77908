import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path";
import type { LocalStorage } from "../../src/storage/local_storage.ts";
import {
  type Verified,
  verify,
  type VerifyOptions,
  type WrongFile,
} from "../../src/storage/verify.ts";
import { bytesOf } from "../support/body.ts";
import { store, TemporaryStorage } from "./support.ts";

/** Verifies to the end. */
async function verified(
  storage: LocalStorage,
  options: Partial<VerifyOptions> = {},
): Promise<{ wrong: WrongFile[]; end: Verified }> {
  const { signal } = new AbortController();
  const work = verify(storage, { prefix: "/", repair: false, signal, ...options });
  const wrong: WrongFile[] = [];
  for (;;) {
    const { done, value } = await work.next();
    if (done) return { wrong, end: value };
    if ("problem" in value) wrong.push(value);
  }
}

Deno.test("what is as the index says is right, in tree and overflow, and all of it is read", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage } = temporary;
  for (const key of ["/a", "/a/b", "/q?x=1", "/empty"]) {
    await store(storage, key, key === "/empty" ? "" : "12345");
  }
  const { wrong, end } = await verified(storage);
  assertEquals(wrong, []);
  assertEquals(end, { checked: 4, hashed: 0, bytes: 15, wrong: 0, repaired: 0 });
  assertEquals((await verified(storage, { prefix: "/a" })).end.checked, 2);
  assertEquals((await verified(storage, { prefix: "/q?x=1" })).end.checked, 1);
  assertEquals((await verified(storage, { prefix: "/b" })).end.checked, 0);
});

Deno.test("files that are missing, short, long or no files are wrong; without repair they stay", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  for (const key of ["/folder", "/long", "/missing", "/right", "/short"]) {
    await store(storage, key, "12345");
  }
  await Deno.remove(join(data, "missing"));
  await Deno.truncate(join(data, "short"), 2);
  await Deno.writeTextFile(join(data, "long"), "123456");
  await Deno.remove(join(data, "folder"));
  await Deno.mkdir(join(data, "folder"));
  const expected = [
    ["/folder", "is no file any more"],
    ["/long", "has more than the 5 bytes that it should have"],
    ["/missing", "is missing"],
    ["/short", "has 2 of 5 bytes"],
  ];
  for (let times = 0; times < 2; times++) {
    const { wrong, end } = await verified(storage);
    assertEquals(wrong.map(({ key, problem }) => [key, problem]), expected);
    assertEquals([end.checked, end.wrong, end.repaired], [5, 4, 0]);
  }
  const { wrong, end } = await verified(storage, { repair: true });
  assertEquals(wrong.filter(({ repaired }) => repaired).length, end.repaired);
  assertEquals([end.wrong, end.repaired], [4, 4]);
  assertEquals(storage.list("", 10).map(({ entry }) => entry.key), ["/right"]);
  assertEquals((await verified(storage)).end.wrong, 0);
});

Deno.test("a file whose name is its digest is compared by it", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  const digest = createHash("sha256").update("12345").digest("hex");
  const key = `/dists/sid/main/by-hash/SHA256/${digest}`;
  await store(storage, key, "12345");
  assertEquals((await verified(storage)).end.hashed, 1);
  // Of the same length: only the digest tells.
  await Deno.writeTextFile(join(data, key), "12346");
  const { wrong, end } = await verified(storage);
  assertEquals(wrong, [{
    key,
    problem: "has another content than its name or the lists of digests say",
    repaired: false,
  }]);
  assertEquals(end.hashed, 1);
});

Deno.test("who knows digests can have them compared", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage } = temporary;
  await store(storage, "/a", "12345");
  await store(storage, "/b", "12345");
  const digest = createHash("sha256").update(bytesOf("12345")).digest("hex");
  const digestsOf: VerifyOptions["digestsOf"] = ({ key }) => [
    { algorithm: "md5", value: "0".repeat(32) },
    { algorithm: "sha256", value: key === "/a" ? digest : "0".repeat(64) },
  ];
  const { wrong } = await verified(storage, { digestsOf });
  assertEquals(wrong.map(({ key }) => key), ["/b"]);
});

Deno.test("a copy that is replaced while it is read is not wrong", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  await store(storage, "/a", "12345");
  await store(storage, "/b", "12345");
  await Deno.truncate(join(data, "b"), 1);
  const { signal } = new AbortController();
  const wrong: WrongFile[] = [];
  let isReplaced = false;
  for await (const step of verify(storage, { prefix: "/", repair: true, signal })) {
    if ("problem" in step) wrong.push(step);
    // The first byte of b has been read.
    else if (step.bytes === 6 && !isReplaced) {
      isReplaced = true;
      await store(storage, "/b", "another");
    }
  }
  assertEquals([isReplaced, wrong], [true, []]);
  assertEquals(storage.find("/b")?.size, 7);
});

Deno.test("another file that was put in the place of one is not wrong, and is not thrown out", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  await store(storage, "/a", "12345");
  await Deno.writeTextFile(join(data, "new"), "another");
  await Deno.rename(join(data, "new"), join(data, "a"));
  assertEquals((await verified(storage, { repair: true })).wrong, []);
  assertEquals(temporary.read("a"), "another");
});

Deno.test("the signal ends it between two reads, and nothing is repaired any more", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  for (const key of ["/a", "/b"]) await store(storage, key, "12345");
  await Deno.truncate(join(data, "a"), 1);
  const controller = new AbortController();
  controller.abort();
  const { wrong, end } = await verified(storage, { repair: true, signal: controller.signal });
  assertEquals([wrong, end.repaired], [[], 0]);
});

Deno.test("a file that cannot be opened is wrong, with the reason", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage, data } = temporary;
  await store(storage, "/a", "12345");
  await Deno.remove(join(data, "a"));
  await Deno.symlink("a", join(data, "a"));
  const { wrong } = await verified(storage);
  assertStringIncludes(wrong[0]?.problem ?? "", "cannot be read: ");
});
