import { assertEquals } from "@std/assert";
import { at, Bench, type Case, resultOf, testCases } from "./bench.ts";

const FRESH = "Cache-Control: max-age=9";

testCases("RFC 9111 3.3, 3.4: a range is answered from the whole, which is what is fetched", [
  {
    name: "on a miss",
    steps: [
      {
        send: ["Range: bytes=0-0"],
        reply: [FRESH, 'ETag: "a"'],
        expect: "206 MISS 1",
        asked: { range: null },
        fields: { "content-range": "bytes 0-0/1", "content-length": "1", etag: '"a"' },
      },
      { expect: "HIT 1" },
      { send: ["Range: bytes=-1"], expect: "206 HIT 1" },
    ],
  },
  {
    name: "on a copy that is stale",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      { after: 9, send: ["Range: bytes=0-"], reply: ["304"], expect: "206 REVALIDATED 1" },
      { after: 9, send: ["Range: bytes=0-"], reply: [FRESH, 'ETag: "b"'], expect: "206 MISS 3" },
      { after: 9, send: ["Range: bytes=0-"], reply: "down", expect: "206 STALE 3" },
    ],
  },
  {
    name: "RFC 9110 14.2: errors and redirects have no parts",
    steps: [
      { send: ["Range: bytes=0-0"], reply: ["404", FRESH], expect: "404 MISS 1" },
      { send: ["Range: bytes=0-0"], expect: "404 HIT 1" },
    ],
  },
  {
    name: "RFC 9110 14.2: of what is not stored the whole is sent",
    steps: [
      {
        send: ["Range: bytes=0-0"],
        reply: ["Cache-Control: no-store"],
        expect: "BYPASS 1",
        fields: { "content-range": null, "accept-ranges": null },
      },
    ],
  },
  {
    name: "RFC 9110 14.1.1: what cannot be satisfied",
    steps: [
      { reply: [FRESH], expect: "MISS 1" },
      { send: ["Range: bytes=5-"], expect: "416 HIT", fields: { "content-range": "bytes */1" } },
    ],
  },
  ...(['If-Range: "b"', `If-Range: ${at(-99)}`].map((line): Case => ({
    name: `RFC 9110 13.1.5: ${line} does not hold`,
    steps: [
      { reply: [FRESH, 'ETag: "a"', `Last-Modified: ${at(-9)}`], expect: "MISS 1" },
      { send: ["Range: bytes=0-0", line], expect: "HIT 1" },
    ],
  }))),
]);

testCases("RFC 9111 3.3: a part that nobody asked for is refused", [
  {
    name: "without a copy",
    steps: [
      {
        send: ["Range: bytes=0-0"],
        reply: ["206", FRESH, "Content-Range: bytes 0-0/5"],
        expect: "502 MISS error",
      },
      { reply: ["206", FRESH, "Content-Range: bytes 0-0/5"], expect: "502 MISS error" },
    ],
  },
  {
    name: "with one",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      { after: 9, reply: ["206", FRESH, "Content-Range: bytes 0-0/5"], expect: "STALE 1" },
    ],
  },
]);

Deno.test("RFC 9111 3.3: a body that breaks off is not stored", async () => {
  await using bench = await Bench.start();
  bench.answer = ({ write }) => write(bench.message([FRESH, "Content-Length: 100"], "short"));
  const { response, text } = await bench.proxy.get("/x");
  assertEquals(resultOf(response, text), "502 MISS error");
  await bench.proxy.assertNothingStored();
});
