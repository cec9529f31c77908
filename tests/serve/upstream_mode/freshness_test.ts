import { at, type Case, testCases } from "./bench.ts";

const DAY = 86_400;

/** An answer that is used again three seconds later. */
function fresh(name: string, ...reply: string[]): Case {
  return { name, steps: [{ reply, expect: "MISS 1" }, { after: 3, expect: "HIT 1" }] };
}

/** An answer that is stored for its validator alone, and has to be revalidated. */
function stale(name: string, ...reply: string[]): Case {
  return {
    name,
    steps: [
      { reply: ['ETag: "a"', ...reply], expect: "MISS 1" },
      {
        after: 3,
        reply: ['ETag: "b"', ...reply],
        expect: "MISS 2",
        asked: { "if-none-match": '"a"' },
      },
    ],
  };
}

testCases("RFC 9111 4.2.1: explicit times", [
  fresh("max-age", "Cache-Control: max-age=4"),
  stale("max-age has passed", "Cache-Control: max-age=3"),
  stale("max-age=0", "Cache-Control: max-age=0"),
  fresh("s-maxage", "Cache-Control: s-maxage=4"),
  fresh("s-maxage before max-age", "Cache-Control: s-maxage=4, max-age=1"),
  stale("s-maxage before max-age, the shorter too", "Cache-Control: max-age=9, s-maxage=3"),
  fresh("s-maxage before Expires", "Cache-Control: s-maxage=4", `Expires: ${at(-9)}`),
  fresh("Expires", `Expires: ${at(4)}`),
  stale("Expires has passed", `Expires: ${at(3)}`),
  stale("Expires in the past", `Expires: ${at(-DAY)}`),
  fresh("max-age before a past Expires", "Cache-Control: max-age=4", `Expires: ${at(-9)}`),
  fresh("max-age before Expires: 0", "Cache-Control: max-age=4", "Expires: 0"),
  stale("max-age before a later Expires", "Cache-Control: max-age=3", `Expires: ${at(DAY)}`),
  fresh("Expires counts from Date", `Date: ${at(-5)}`, `Expires: ${at(4)}`),
  stale(
    "Expires is over though the origin's clock is behind",
    `Date: ${at(-9)}`,
    `Expires: ${at(-2)}`,
  ),
  fresh("Expires without Date", "Date:", `Expires: ${at(4)}`),
  fresh("an invalid Date is none", "Date: soon", `Expires: ${at(4)}`),
  fresh("max-age of more than 2^31", "Cache-Control: max-age=99999999999"),
  fresh("max-age of 2^31", "Cache-Control: max-age=2147483648"),
  fresh("Expires in the far future", "Expires: Sun, 21 Nov 2286 04:46:39 GMT"),
]);

testCases("RFC 9111 5.3: invalid Expires", [
  stale("0", "Expires: 0"),
  stale("-1", "Expires: -1"),
  stale("a number", "Expires: 4000000000"),
  stale("nonsense", "Expires: tomorrow"),
  stale("empty", "Expires: "),
  stale("another zone", "Expires: Thu, 18 Aug 2050 02:01:18 CET"),
  stale("a zone in figures", "Expires: Thu, 18 Aug 2050 02:01:18 +0000"),
  stale("one figure for the hour", "Expires: Thu, 18 Aug 2050 2:01:18 GMT"),
  stale("no seconds", "Expires: Thu, 18 Aug 2050 02:01 GMT"),
  stale("an ISO date", "Expires: 2050-08-18T02:01:18Z"),
  fresh("RFC 850", "Expires: Thursday, 18-Aug-50 02:01:18 GMT"),
  fresh("asctime", "Expires: Thu Aug 18 02:01:18 2050"),
  fresh("RFC 9111 4.2: lower case", "Expires: thu, 18 aug 2050 02:01:18 gmt"),
  stale("4.2.1: the first of two lines, past", `Expires: ${at(-9)}`, `Expires: ${at(99)}`),
  fresh("4.2.1: the first of two lines, future", `Expires: ${at(99)}`, `Expires: ${at(-9)}`),
]);

testCases("RFC 9111 4.2.3 and 5.1: Age counts", [
  fresh("it leaves something", "Cache-Control: max-age=10", "Age: 6"),
  stale("it leaves nothing", "Cache-Control: max-age=10", "Age: 10"),
  stale("it leaves nothing in a moment", "Cache-Control: max-age=10", "Age: 7"),
  stale("Expires counts from Date with it", `Date: ${at(-9)}`, "Age: 9", `Expires: ${at(1)}`),
  stale("the apparent age counts", `Date: ${at(-9)}`, "Cache-Control: max-age=10"),
  fresh("a Date in the future is no age", `Date: ${at(9)}`, "Cache-Control: max-age=10"),
  fresh("negative is no age", "Cache-Control: max-age=10", "Age: -100"),
  fresh("a fraction is no age", "Cache-Control: max-age=10", "Age: 100.5"),
  fresh("nonsense is no age", "Cache-Control: max-age=10", "Age: abc"),
  fresh("empty is no age", "Cache-Control: max-age=10", "Age: "),
  stale("the first of a list", "Cache-Control: max-age=10", "Age: 100, 0"),
  fresh("the first of a list, small", "Cache-Control: max-age=10", "Age: 0, 100"),
  stale("the first of two lines", "Cache-Control: max-age=10", "Age: 100", "Age: 0"),
  fresh("the first of two lines, small", "Cache-Control: max-age=10", "Age: 0", "Age: 100"),
  stale("more than 2^31", "Cache-Control: max-age=10", "Age: 99999999999"),
]);

testCases("RFC 9111 5.1: every reuse has an Age, and the Date of the origin", [
  {
    name: "resident time",
    steps: [
      { reply: ["Cache-Control: max-age=100"], expect: "MISS 1", fields: { date: at(0) } },
      { expect: "HIT 1", fields: { age: "0", date: at(0) } },
      { after: 7, expect: "HIT 1", fields: { age: "7", date: at(0) } },
      { after: 5, method: "HEAD", expect: "HIT", fields: { age: "12", date: at(0) } },
      {
        send: ["Range: bytes=0-0"],
        expect: "206 HIT 1",
        fields: { age: "12", date: at(0), "content-range": "bytes 0-0/1" },
      },
    ],
  },
  {
    name: "on top of the origin's own",
    steps: [
      { reply: ["Cache-Control: max-age=100", "Age: 30"], expect: "MISS 1", fields: { age: "30" } },
      { after: 3, expect: "HIT 1", fields: { age: "33" } },
    ],
  },
  {
    name: "when Expires decides",
    steps: [
      { reply: [`Expires: ${at(DAY)}`, "Age: 30"], expect: "MISS 1" },
      { after: 3, expect: "HIT 1", fields: { age: "33" } },
    ],
  },
  {
    name: "the apparent age when it is larger",
    steps: [
      { reply: [`Date: ${at(-60)}`, "Cache-Control: max-age=100", "Age: 5"], expect: "MISS 1" },
      { after: 3, expect: "HIT 1", fields: { age: "63", date: at(-60) } },
    ],
  },
  {
    name: "anew after a revalidation",
    steps: [
      { reply: ["Cache-Control: max-age=9", 'ETag: "a"', "Age: 5"], expect: "MISS 1" },
      { after: 5, reply: ["304", 'ETag: "a"'], expect: "REVALIDATED 1", fields: { age: "0" } },
      { after: 2, expect: "HIT 1", fields: { age: "2", date: at(5) } },
    ],
  },
  {
    name: "on a 304 to the client",
    steps: [
      { reply: ["Cache-Control: max-age=9", 'ETag: "a"'], expect: "MISS 1" },
      { after: 2, send: ['If-None-Match: "a"'], expect: "304 HIT", fields: { age: "2" } },
    ],
  },
  {
    name: "on a stale copy",
    steps: [
      { reply: ["Cache-Control: max-age=5"], expect: "MISS 1" },
      { after: 12, reply: "down", expect: "STALE 1", fields: { age: "12" } },
    ],
  },
]);

testCases("RFC 9111 4.2.2: heuristic freshness", [
  ...[200, 203, 300, 301, 308, 404, 405, 410, 414, 501].map((status): Case => ({
    name: `a tenth of its age for ${status}`,
    steps: [
      { reply: [`${status}`, `Last-Modified: ${at(-1000)}`], expect: of(status, "MISS 1") },
      { after: 99, expect: of(status, "HIT 1") },
      { after: 1, reply: [`${status}`], expect: of(status, "BYPASS 3") },
    ],
  })),
  ...[201, 202, 302, 303, 307, 403, 500, 502, 503, 504, 299, 499, 599].map((status): Case => ({
    name: `not for ${status}`,
    steps: [
      { reply: [`${status}`, `Last-Modified: ${at(-DAY)}`], expect: of(status, "BYPASS 1") },
      { reply: [`${status}`], expect: of(status, "BYPASS 2") },
    ],
  })),
  {
    name: "public allows it for any status",
    steps: [
      {
        reply: ["299", `Last-Modified: ${at(-DAY)}`, "Cache-Control: public"],
        expect: "299 MISS 1",
      },
      { after: 3, expect: "299 HIT 1" },
    ],
  },
  {
    name: "never for more than a day",
    steps: [
      { reply: [`Last-Modified: ${at(-1000 * DAY)}`], expect: "MISS 1" },
      { after: DAY - 1, expect: "HIT 1" },
      { after: 1, reply: ["304"], expect: "REVALIDATED 1" },
    ],
  },
  stale("not without Last-Modified"),
  stale("not beside an Expires that has passed", `Last-Modified: ${at(-DAY)}`, "Expires: 0"),
  stale("Last-Modified in the future is no past", `Last-Modified: ${at(DAY)}`),
  {
    name: "a query changes nothing",
    steps: [
      { path: "/x?q", reply: [`Last-Modified: ${at(-DAY)}`], expect: "MISS 1" },
      { path: "/x?q", expect: "HIT 1" },
      { path: "/x?r", reply: [`Last-Modified: ${at(-DAY)}`], expect: "MISS 3" },
    ],
  },
]);

testCases("fields that decide nothing", [
  fresh("RFC 9111 5.4: Pragma in an answer", "Cache-Control: max-age=9", "Pragma: no-cache"),
  stale("RFC 9111 5.4: Pragma with a time", "Pragma: max-age=9"),
  stale("Surrogate-Control", "Surrogate-Control: max-age=9"),
  fresh("Surrogate-Control: no-store", "Cache-Control: max-age=9", "Surrogate-Control: no-store"),
  fresh("an unknown directive", 'Cache-Control: max-age=9, foo, bar=baz, x="a, no-store"'),
  fresh("Content-Disposition", "Cache-Control: max-age=9", "Content-Disposition: attachment"),
  fresh("Warning", "Cache-Control: max-age=9", 'Warning: 110 - "Stale"'),
]);

function of(status: number, rest: string): string {
  return status === 200 ? rest : `${status} ${rest}`;
}
