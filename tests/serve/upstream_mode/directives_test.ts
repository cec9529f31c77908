import { at, type Case, testCases } from "./bench.ts";

/** Used again, though the answer has no more than this. */
function fresh(name: string, ...reply: string[]): Case {
  return { name, steps: [{ reply, expect: "MISS 1" }, { after: 3, expect: "HIT 1" }] };
}

/** Passed on and not stored, though it has a validator and could be fresh. */
function unstored(name: string, ...lines: string[]): Case {
  const reply = [...lines, 'ETag: "a"', `Last-Modified: ${at(-99_999)}`];
  return {
    name,
    steps: [
      { reply, expect: "BYPASS 1" },
      { reply, expect: "BYPASS 2", asked: { "if-none-match": null, "if-modified-since": null } },
    ],
  };
}

/** Stored, and revalidated each time. */
function revalidated(name: string, ...lines: string[]): Case {
  const reply = ['ETag: "a"', ...lines];
  return {
    name,
    steps: [
      { reply, expect: "MISS 1" },
      { reply: ["304", ...reply], expect: "REVALIDATED 1", asked: { "if-none-match": '"a"' } },
      { reply: ["304", ...reply], expect: "REVALIDATED 1" },
      { reply: ['ETag: "b"', ...lines], expect: "MISS 4" },
    ],
  };
}

testCases("RFC 9111 5.2.2.5: no-store", [
  unstored("alone", "Cache-Control: no-store"),
  unstored("beside max-age", "Cache-Control: max-age=99, no-store"),
  unstored("before max-age", "Cache-Control: no-store, max-age=99"),
  unstored("on a line of its own", "Cache-Control: max-age=99", "Cache-Control: no-store"),
  unstored("in another case", "Cache-Control: max-age=99, No-StoRE"),
  unstored("with an argument", "Cache-Control: max-age=99, no-store=1"),
  unstored("without a comma's space", "Cache-Control: max-age=99,no-store,x"),
  unstored("beside empty members", "Cache-Control: ,, max-age=99,,  ,no-store,"),
  unstored("beside Expires", `Expires: ${at(99)}`, "Cache-Control: no-store"),
  {
    name: "what was stored before is not replaced, and not used as fresh",
    steps: [
      { reply: ["Cache-Control: max-age=5", 'ETag: "a"'], expect: "MISS 1" },
      { after: 5, reply: ["Cache-Control: no-store", 'ETag: "b"'], expect: "BYPASS 2" },
      { reply: ["304", 'ETag: "a"'], expect: "REVALIDATED 1", asked: { "if-none-match": '"a"' } },
    ],
  },
]);

testCases("RFC 9111 5.2.2.7: private", [
  unstored("alone", "Cache-Control: private"),
  unstored("beside max-age", "Cache-Control: private, max-age=99"),
  unstored("beside s-maxage", "Cache-Control: s-maxage=99, private"),
  unstored("in another case", "Cache-Control: PRIVATE"),
  unstored("with fields", 'Cache-Control: private="set-cookie", max-age=99'),
]);

testCases("RFC 9111 5.2.2.4: no-cache", [
  revalidated("alone", "Cache-Control: no-cache"),
  revalidated("beside max-age", "Cache-Control: max-age=99, no-cache"),
  revalidated("in another case", "Cache-Control: No-CaChE, max-age=99"),
  revalidated("with fields", 'Cache-Control: max-age=99, no-cache="x-a, x-b"'),
  revalidated("with fields badly written", "Cache-Control: max-age=99, no-cache=x-a"),
  {
    name: "never stale, whatever else is allowed",
    steps: [
      {
        reply: ['ETag: "a"', "Cache-Control: no-cache, max-age=9, stale-if-error=99"],
        expect: "MISS 1",
      },
      { reply: "down", expect: "502 MISS error" },
      { reply: ["503"], expect: "503 BYPASS 3" },
    ],
  },
  {
    name: "without a validator it is of no use",
    steps: [
      { reply: ["Cache-Control: no-cache"], expect: "BYPASS 1" },
      { reply: ["Cache-Control: no-cache"], expect: "BYPASS 2" },
    ],
  },
]);

testCases("RFC 9111 5.2.2.3: must-understand", [
  fresh("takes the place of no-store", "Cache-Control: must-understand, no-store, max-age=9"),
  {
    name: "an unknown status",
    steps: [
      { reply: ["299", "Cache-Control: must-understand, max-age=9"], expect: "299 BYPASS 1" },
      { reply: ["299", "Cache-Control: must-understand, max-age=9"], expect: "299 BYPASS 2" },
    ],
  },
]);

testCases("RFC 9111 5.2: how directives are written", [
  fresh("upper case", "Cache-Control: MAX-AGE=9"),
  fresh("mixed case", "Cache-Control: mAx-aGe=9"),
  fresh("quoted", 'Cache-Control: max-age="9"'),
  fresh("leading zeros", "Cache-Control: max-age=0009"),
  fresh("tabs", "Cache-Control:\tpublic,\tmax-age=9"),
  fresh("empty members", "Cache-Control: , , max-age=9,"),
  fresh("several lines", "Cache-Control: public", "Cache-Control: max-age=9"),
  fresh("a quoted comma", 'Cache-Control: x="a,max-age=0", max-age=9'),
  fresh("a quoted no-store", 'Cache-Control: x="no-store", max-age=9'),
  fresh("the first of two", "Cache-Control: max-age=9, max-age=0"),
  ...["max-age=", "max-age", "max-age=x", "max-age=-9", "max-age=9.5", "max-age=9s", "max-age=+9"]
    .concat(["max-age =9", "max-age= 9", "max-age: 9", "max-age='9'", "max-age=9 s"])
    .map((value) => revalidated(`no time: ${value}`, `Cache-Control: ${value}`)),
  revalidated("only a part of a name", "Cache-Control: xmax-age=9"),
  revalidated("s-max-age is unknown", "Cache-Control: s-max-age=9"),
  revalidated("the first of two, 0", "Cache-Control: max-age=0, max-age=9"),
]);

testCases("RFC 9111 5.2.2.9: public, and what needs an explicit word", [
  {
    name: "public without a validator is of no use",
    steps: [
      { reply: ["Cache-Control: public"], expect: "BYPASS 1" },
      { reply: ["Cache-Control: public"], expect: "BYPASS 2" },
    ],
  },
  {
    name: "nothing at all",
    steps: [{ reply: [], expect: "BYPASS 1" }, { reply: [], expect: "BYPASS 2" }],
  },
  revalidated("a validator alone"),
]);
