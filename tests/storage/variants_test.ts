import { assertEquals } from "@std/assert";
import { variantKey } from "../../src/decide/vary.ts";
import type { HeaderList } from "../../src/types.ts";
import { FACTS, NOW, store, TemporaryStorage } from "./support.ts";

Deno.test("all variants of a key are found, and nothing else", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage } = temporary;
  const variants = [];
  // More than are read from the index at once.
  for (let number = 0; number < 105; number++) {
    const key = variantKey("/a", [["foo", `${number}`]]);
    variants.push((await store(storage, key, "x")).key);
  }
  for (const key of ["/a", "/a?q", "/a b", "/a1", "/a/b", "/b", variantKey("/b", [["foo", "1"]])]) {
    await store(storage, key, "x");
  }
  assertEquals(storage.variantsOf("/a"), variants.sort());
  assertEquals(storage.variantsOf("/b"), [variantKey("/b", [["foo", "1"]])]);
  assertEquals(storage.variantsOf("/a1"), []);
});

Deno.test("an answer that vouches for a copy may vary by other fields than the copy did", async () => {
  await using temporary = await TemporaryStorage.open();
  const { storage } = temporary;
  const before: HeaderList = [["foo", "1"]];
  const entry = await store(storage, "/a", "x", { ...FACTS, vary: before });
  const times = { requestedAt: NOW + 1, validatedAt: NOW + 2 };
  assertEquals(storage.validated(entry, times)?.vary, before);
  const vary: HeaderList = [["bar", ""], ["foo", "1"]];
  assertEquals(storage.validated(entry, { ...times, vary })?.vary, vary);
  assertEquals(storage.find("/a")?.vary, vary);
});
