import { assertEquals } from "@std/assert";
import {
  ago,
  bytes,
  counted,
  digits,
  milliseconds,
  percent,
  rate,
  span,
} from "../../src/server/admin/dashboard/format.js";

/** What is shown, with the gap between a number and its unit as a blank. */
function table<Value>(
  show: (value: Value) => string,
  rows: readonly (readonly [value: Value, text: string])[],
): void {
  for (const [value, text] of rows) assertEquals(show(value).replaceAll("\u00a0", " "), text);
}

Deno.test("sizes and rates have three digits and their unit", () => {
  table(bytes, [
    [null, "–"],
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.98 KiB"],
    [1024, "1.00 KiB"],
    [10_240, "10.0 KiB"],
    [1_023_000, "999 KiB"],
    [1_047_552, "1.00 MiB"],
    [5 * 2 ** 40, "5.00 TiB"],
    [5e18, "4,441 PiB"],
  ]);
  table(rate, [[null, "–"], [2048, "2.00 KiB/s"]]);
});

Deno.test("shares below one are never told as all of it", () => {
  table(percent, [[null, "–"], [0, "0 %"], [0.5, "50.0 %"], [0.99999, "99.9 %"], [1, "100 %"]]);
});

Deno.test("times are told in their largest unit", () => {
  table(span, [
    [-3, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [86_400, "24 h"],
    [172_800, "2 d"],
    [1e9, "11,574 d"],
  ]);
  table(milliseconds, [[null, "–"], [0.4, "0 ms"], [999, "999 ms"], [1500, "1.50 s"]]);
  const now = Date.UTC(2026, 0, 1, 12);
  table((at: string) => ago(at, now), [
    ["2026-01-01T12:00:10Z", "just now"],
    ["2026-01-01T11:59:00Z", "1 min ago"],
    ["2025-12-20T12:00:00Z", "12 d ago"],
  ]);
});

Deno.test("numbers of things are told with the word for them", () => {
  table((value: number) => counted(value, "file", "files"), [
    [0, "0 files"],
    [1, "1 file"],
    [12_345, "12,345 files"],
  ]);
  table(digits, [[0, "0"], [0.05, "0.05"], [9.5, "9.50"], [9.999, "10.0"], [99.99, "100"], [
    42.25,
    "42.3",
  ], [1234.5, "1,235"]]);
});
