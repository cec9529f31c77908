import { assertEquals } from "@std/assert";
import {
  counted,
  humanAge,
  humanRate,
  humanShare,
  humanSize,
  humanSpan,
} from "../../src/main/commands/human.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

Deno.test("sizes have a unit that keeps them short", () => {
  const examples: [bytes: number, text: string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    // Never 1024.0 of a unit.
    [1024 * 1024 - 1, "1.0 MiB"],
    [1.5 * 1024 ** 3, "1.5 GiB"],
    [2000 * 1024 ** 5, "2000.0 PiB"],
  ];
  for (const [bytes, text] of examples) assertEquals(humanSize(bytes), text);
  assertEquals([humanRate(null), humanRate(2047.6)], ["-", "2.0 KiB/s"]);
});

Deno.test("spans have two units at most, ages one", () => {
  const examples: [ms: number, span: string, age: string][] = [
    [-5, "0 ms", "just now"],
    [999, "999 ms", "just now"],
    [1000, "1 s", "1 s ago"],
    [90_000, "1 min 30 s", "1 min ago"],
    [10 * MINUTE + 30_000, "10 min", "10 min ago"],
    [HOUR, "1 h", "1 h ago"],
    [3 * HOUR + 20 * MINUTE + 1, "3 h 20 min", "3 h ago"],
    [12 * DAY + HOUR, "12 d", "12 d ago"],
  ];
  for (const [ms, span, age] of examples) assertEquals([humanSpan(ms), humanAge(ms)], [span, age]);
});

Deno.test("shares are in percent, and one thing is no things", () => {
  assertEquals([humanShare(null), humanShare(0), humanShare(2 / 3)], ["-", "0.0 %", "66.7 %"]);
  assertEquals([counted(1, "copy", "copies"), counted(0, "copy", "copies")], [
    "1 copy",
    "0 copies",
  ]);
  assertEquals(counted(1234, "file"), "1,234 files");
});
