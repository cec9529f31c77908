import { assertEquals } from "@std/assert";
import { Pins } from "../../src/storage/pins.ts";

Deno.test("a key is pinned until all its pins are out, each of which counts once", () => {
  const pins = new Pins();
  const first = pins.pin("/a", 5);
  const second = pins.pin("/a", 7);
  const other = pins.pin("/b", 0);
  assertEquals([pins.has("/a"), pins.has("/b"), pins.has("/c"), pins.bytes], [
    true,
    true,
    false,
    7,
  ]);
  first();
  first();
  assertEquals([pins.has("/a"), pins.bytes], [true, 7]);
  pins.resize("/a", 3);
  pins.resize("/c", 3);
  assertEquals(pins.bytes, 3);
  second();
  other();
  assertEquals([pins.has("/a"), pins.has("/b"), pins.bytes], [false, false, 0]);
});
