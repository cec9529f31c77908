import { assertEquals } from "@std/assert";
import { judgePart } from "../../src/decide/part.ts";
import type { BodyHead } from "../../src/types.ts";
import { NOON } from "../support/facts.ts";

const HEAD: BodyHead = {
  status: 200,
  size: 1000,
  etag: '"v1"',
  lastModified: null,
  headers: [],
  upstream: "a",
  requestedAt: NOON,
  receivedAt: NOON,
  vary: [],
};

function judge(status: number, range: string, until: number | null): string {
  const headers = [["etag", '"v1"'], ["content-range", range], ["content-length", "1000"]] as const;
  const wanted = { from: 90, offset: 100, until };
  const judged = judgePart({ upstream: "a", status, headers }, HEAD, wanted, NOON);
  return judged.kind === "same" ? `${judged.start}-${judged.end}` : judged.reason.kind;
}

Deno.test("a part must be what was asked for, or its beginning", () => {
  const examples: [status: number, range: string, until: number | null, judged: string][] = [
    [206, "bytes 90-199/1000", 200, "90-200"],
    [206, "bytes 90-149/1000", 200, "90-150"],
    [206, "bytes 90-200/1000", 200, "differs"],
    [206, "bytes 89-199/1000", 200, "differs"],
    [206, "bytes 91-199/1000", 200, "differs"],
    [206, "bytes 90-99/1000", 200, "differs"],
    [206, "bytes 90-199/1001", 200, "differs"],
    [206, "bytes 90-199/*", 200, "differs"],
    [200, "", 200, "differs"],
    [416, "bytes */1000", 200, "status"],
  ];
  for (const [status, range, until, judged] of examples) {
    assertEquals(judge(status, range, until), judged, `${status} ${range}`);
  }
});

Deno.test("without an end the rest of a body, and the whole of it, will do", () => {
  assertEquals(judge(206, "bytes 90-999/1000", null), "90-1000");
  assertEquals(judge(206, "bytes 0-999/1000", null), "0-1000");
  assertEquals(judge(200, "", null), "0-1000");
});
