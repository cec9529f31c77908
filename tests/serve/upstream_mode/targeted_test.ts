import { at, type Case, testCases } from "./bench.ts";

const TARGETED = { "targeted-directives": true };

function fresh(name: string, ...reply: string[]): Case {
  return {
    name,
    cache: TARGETED,
    steps: [{ reply, expect: "MISS 1" }, { after: 3, expect: "HIT 1" }],
  };
}

function stale(name: string, ...lines: string[]): Case {
  const reply = ['ETag: "a"', ...lines];
  return {
    name,
    cache: TARGETED,
    steps: [
      { reply, expect: "MISS 1" },
      { after: 3, reply: ["304", ...reply], expect: "REVALIDATED 1" },
    ],
  };
}

function unstored(name: string, ...lines: string[]): Case {
  const reply = ['ETag: "a"', ...lines];
  return {
    name,
    cache: TARGETED,
    steps: [{ reply, expect: "BYPASS 1" }, { reply, expect: "BYPASS 2" }],
  };
}

testCases("RFC 9213 2.2: CDN-Cache-Control takes the place of Cache-Control and Expires", [
  fresh("max-age", "CDN-Cache-Control: max-age=9"),
  fresh("max-age beside max-age=0", "CDN-Cache-Control: max-age=9", "Cache-Control: max-age=0"),
  fresh("max-age beside no-store", "CDN-Cache-Control: max-age=9", "Cache-Control: no-store"),
  fresh("max-age beside private", "CDN-Cache-Control: max-age=9", "Cache-Control: private"),
  fresh("max-age beside no-cache", "CDN-Cache-Control: max-age=9", "Cache-Control: no-cache"),
  fresh("max-age beside a past Expires", "CDN-Cache-Control: max-age=9", `Expires: ${at(-9)}`),
  fresh("s-maxage", "CDN-Cache-Control: s-maxage=9"),
  fresh("two lines", "CDN-Cache-Control: foo", "CDN-Cache-Control: max-age=9"),
  fresh("the last of two", "CDN-Cache-Control: max-age=0, max-age=9"),
  fresh("parameters are left out", "CDN-Cache-Control: max-age=9;a=1"),
  stale("max-age=0", "CDN-Cache-Control: max-age=0", "Cache-Control: max-age=9"),
  stale("no-cache", "CDN-Cache-Control: no-cache", "Cache-Control: max-age=9"),
  stale("Age counts", "CDN-Cache-Control: max-age=9", "Age: 9"),
  stale("Expires does not count", "CDN-Cache-Control: foo", `Expires: ${at(9)}`),
  stale("a string is no time", 'CDN-Cache-Control: max-age="9"'),
  stale("a decimal is no time", "CDN-Cache-Control: max-age=9.0"),
  unstored("no-store", "CDN-Cache-Control: no-store", "Cache-Control: max-age=9"),
  unstored("private", "CDN-Cache-Control: private", "Cache-Control: max-age=9"),
]);

testCases("RFC 9213 2.1: one that is empty or malformed is ignored", [
  fresh("empty", "CDN-Cache-Control: ", "Cache-Control: max-age=9"),
  fresh("upper case", "CDN-Cache-Control: No-Store", "Cache-Control: max-age=9"),
  fresh("no dictionary", "CDN-Cache-Control: max-age=, no-store", "Cache-Control: max-age=9"),
  fresh("a comma too many", "CDN-Cache-Control: no-store,", "Cache-Control: max-age=9"),
  unstored(
    "in favour of Cache-Control",
    "CDN-Cache-Control: max-age=9,,",
    "Cache-Control: no-store",
  ),
]);

testCases("RFC 9213: it is passed on, and means nothing where it is not asked for", [
  {
    name: "passed on",
    cache: TARGETED,
    steps: [
      {
        reply: ["CDN-Cache-Control: max-age=9", "Cache-Control: max-age=1"],
        expect: "MISS 1",
        fields: { "cdn-cache-control": "max-age=9", "cache-control": "max-age=1" },
      },
      { after: 3, expect: "HIT 1", fields: { "cdn-cache-control": "max-age=9" } },
    ],
  },
  {
    name: "stale rules are its own",
    cache: TARGETED,
    steps: [
      {
        reply: ["CDN-Cache-Control: max-age=5, must-revalidate", "Cache-Control: max-age=9"],
        expect: "MISS 1",
      },
      { after: 6, reply: "down", expect: "502 MISS error" },
    ],
  },
  {
    name: "a 304 updates it",
    cache: TARGETED,
    steps: [
      { reply: ["CDN-Cache-Control: max-age=5", 'ETag: "a"'], expect: "MISS 1" },
      { after: 5, reply: ["304", "CDN-Cache-Control: max-age=50"], expect: "REVALIDATED 1" },
      { after: 49, expect: "HIT 1" },
    ],
  },
  {
    name: "off",
    steps: [
      { reply: ["CDN-Cache-Control: no-store", "Cache-Control: max-age=9"], expect: "MISS 1" },
      { expect: "HIT 1" },
      { path: "/y", reply: ["CDN-Cache-Control: max-age=9"], expect: "BYPASS 3" },
    ],
  },
]);
