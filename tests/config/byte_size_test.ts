import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseByteSize } from "../../src/config/byte_size.ts";

const RIGHT: readonly (readonly [text: string, bytes: number])[] = [
  ["0", 0],
  ["1048576", 1_048_576],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ["512B", 512],
  ["1KB", 1000],
  ["1kB", 1000],
  ["1KiB", 1024],
  ["64MiB", 67_108_864],
  ["64 MiB", 67_108_864],
  ["64mib", 67_108_864],
  ["2GB", 2_000_000_000],
  ["1.5GiB", 1_610_612_736],
  ["1TB", 1_000_000_000_000],
  ["1TiB", 1_099_511_627_776],
  ["0.3KiB", 307],
];

const WRONG: readonly (readonly [text: string, why: string])[] = [
  ["", "no number with a unit"],
  ["-1", "no number with a unit"],
  ["MiB", "no number with a unit"],
  ["1MiB1KiB", "no number with a unit"],
  ["0x10", "no number with a unit"],
  ["1M", `unknown unit "M"`],
  ["1PiB", `unknown unit "PiB"`],
  ["1.5", "a fraction of a byte"],
  ["9007199254740992", "it is over 2^53 - 1 bytes"],
  ["8192TiB", "it is over 2^53 - 1 bytes"],
];

Deno.test("sizes with decimal, binary and no units are bytes", () => {
  for (const [text, bytes] of RIGHT) assertEquals(parseByteSize(text), bytes, text);
});

Deno.test("what is no size is refused, and the message says why", () => {
  for (const [text, why] of WRONG) {
    const start = `Cannot parse size ${JSON.stringify(text)}: ${why}, write for example`;
    assertThrows(() => parseByteSize(text), Error, start);
  }
});

Deno.test("a size is its number times its unit", () => {
  const unit = fc.constantFrom<[string, number]>(
    ["", 1],
    ["B", 1],
    ["KB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
    ["TB", 1e12],
    ["KiB", 1024],
    ["MiB", 1024 ** 2],
    ["GiB", 1024 ** 3],
    ["TiB", 1024 ** 4],
  );
  fc.assert(fc.property(fc.nat({ max: 8191 }), unit, (count, [name, bytes]) => {
    assertEquals(parseByteSize(`${count}${name}`), count * bytes);
  }));
});
