import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  isFastEnough,
  isWorthRepeating,
  segmentBytes,
  segmentSizes,
  timeLeftMs,
} from "../../src/decide/segment_plan.ts";

const MIB = 1024 * 1024;
const SIZES = { min: MIB, max: 4 * MIB };

Deno.test("segments have 1 to 4 MiB, and less in a small window", () => {
  assertEquals(segmentSizes(32 * MIB), SIZES);
  assertEquals(segmentSizes(1024 * MIB), SIZES);
  assertEquals(segmentSizes(8 * MIB), { min: MIB / 2, max: MIB });
});

Deno.test("a mirror is given what it delivers in a second, within the sizes", () => {
  const examples: [rate: number | null, bytes: number][] = [
    [null, MIB],
    [100, MIB],
    [2 * MIB / 1000, 2 * MIB],
    [100_000, 4 * MIB],
    [Infinity, 4 * MIB],
  ];
  for (const [rate, bytes] of examples) assertEquals(segmentBytes(rate, SIZES, 1e9, 4), bytes);
  // At the end of the file the mirrors share what is left.
  assertEquals(segmentBytes(100_000, SIZES, 16 * MIB, 4), 2 * MIB);
  assertEquals(segmentBytes(100_000, SIZES, 1000, 4), 1000);
});

Deno.test("a segment is never empty, nor longer than the largest or than what is left", () => {
  fc.assert(fc.property(
    fc.option(fc.double({ min: 0, noNaN: true })),
    fc.integer({ min: MIB, max: 1024 * MIB }),
    fc.integer({ min: 1 }),
    fc.integer({ min: 1, max: 64 }),
    (rate, windowBytes, left, mirrors) => {
      const sizes = segmentSizes(windowBytes);
      const bytes = segmentBytes(rate, sizes, left, mirrors);
      assert(bytes > 0 && bytes <= left && bytes <= sizes.max && Number.isInteger(bytes));
    },
  ));
});

Deno.test("who takes longer for a segment than the others for the window is of no use", () => {
  assert(isFastEnough(null, 40_000, SIZES, 32 * MIB));
  assert(isFastEnough(1250, 40_000, SIZES, 32 * MIB));
  assert(!isFastEnough(1249, 40_000, SIZES, 32 * MIB));
  assert(isFastEnough(1, 0, SIZES, 32 * MIB));
});

Deno.test("a transfer goes on at its rate, and one that is silent stays so for as long again", () => {
  const facts = { received: 1000, remaining: 3000, elapsedMs: 100, silentMs: 0 };
  assertEquals(timeLeftMs(facts), 300);
  assertEquals(timeLeftMs({ ...facts, silentMs: 2000 }), 2000);
  assertEquals(timeLeftMs({ ...facts, received: 0, elapsedMs: 500 }), 500);
  assertEquals(timeLeftMs({ ...facts, remaining: 0, silentMs: 2000 }), 0);
});

Deno.test("a segment is asked again where that saves more than half of the time", () => {
  assert(isWorthRepeating(2500, MIB, MIB / 1000));
  assert(!isWorthRepeating(2100, MIB, MIB / 1000));
  assert(!isWorthRepeating(150, MIB, Infinity));
  assert(isWorthRepeating(2500, MIB, null));
  assert(!isWorthRepeating(2100, MIB, null));
});
