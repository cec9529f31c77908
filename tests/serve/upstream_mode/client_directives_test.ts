import { at, type Case, testCases } from "./bench.ts";

const FRESH = "Cache-Control: max-age=100";
const HONOUR = { "client-directives": "honour" };

/** A client's word on a copy that is so many seconds old. */
function word(
  name: string,
  age: number,
  send: readonly string[],
  expect: "HIT 1" | "STALE 1" | "asked",
  reply: readonly string[] = [FRESH],
): Case {
  const ask = { after: age, send };
  return {
    name: `${name}, after ${age} s`,
    cache: HONOUR,
    steps: [
      { reply: [...reply, 'ETag: "a"'], expect: "MISS 1" },
      expect === "asked"
        ? { ...ask, reply: ["304"], expect: "REVALIDATED 1", asked: { "if-none-match": '"a"' } }
        : { ...ask, expect },
    ],
  };
}

testCases("RFC 9111 5.2.1: directives of clients count where they are honoured", [
  word("no-cache", 1, ["Cache-Control: no-cache"], "asked"),
  word("No-Cache", 1, ["Cache-Control: No-Cache"], "asked"),
  word("max-age that is enough", 9, ["Cache-Control: max-age=9"], "HIT 1"),
  word("max-age that is not", 10, ["Cache-Control: max-age=9"], "asked"),
  word("max-age=0", 1, ["Cache-Control: max-age=0"], "asked"),
  word("max-age counts Age", 1, ["Cache-Control: max-age=9"], "asked", [FRESH, "Age: 9"]),
  word("min-fresh that is there", 90, ["Cache-Control: min-fresh=10"], "HIT 1"),
  word("min-fresh that is not", 91, ["Cache-Control: min-fresh=10"], "asked"),
  word("max-stale of any age", 500, ["Cache-Control: max-stale"], "STALE 1"),
  word("max-stale that is enough", 110, ["Cache-Control: max-stale=10"], "STALE 1"),
  word("max-stale that is not", 111, ["Cache-Control: max-stale=10"], "asked"),
  word("max-stale, forbidden", 110, ["Cache-Control: max-stale"], "asked", [
    "Cache-Control: max-age=100, must-revalidate",
  ]),
  word("only-if-cached", 1, ["Cache-Control: only-if-cached"], "HIT 1"),
  word("RFC 9111 5.4: Pragma", 1, ["Pragma: no-cache"], "asked"),
  word("Pragma beside Cache-Control", 1, ["Pragma: no-cache", "Cache-Control: max-age=9"], "HIT 1"),
  word("an unknown one", 1, ["Cache-Control: foo"], "HIT 1"),
]);

testCases("RFC 9111 5.2.1.5 and 5.2.1.7: no-store and only-if-cached", [
  {
    name: "no-store is not stored",
    cache: HONOUR,
    steps: [
      { send: ["Cache-Control: no-store"], reply: [FRESH], expect: "BYPASS 1" },
      { reply: [FRESH], expect: "MISS 2" },
      { send: ["Cache-Control: no-store"], expect: "HIT 2" },
    ],
  },
  {
    name: "only-if-cached of what is not stored",
    cache: HONOUR,
    steps: [
      { send: ["Cache-Control: only-if-cached"], expect: "504 MISS error" },
      { reply: [FRESH], expect: "MISS 2" },
      { send: ["Cache-Control: only-if-cached"], expect: "HIT 2" },
      { after: 100, send: ["Cache-Control: only-if-cached"], expect: "504 MISS error" },
    ],
  },
  {
    name: "only-if-cached of another variant",
    cache: HONOUR,
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2", "Cache-Control: only-if-cached"], expect: "504 MISS error" },
      { send: ["Foo: 1", "Cache-Control: only-if-cached"], expect: "HIT 1" },
    ],
  },
]);

testCases("RFC 5861 4: stale-if-error of a client", [
  {
    name: "within its time",
    cache: { ...HONOUR, "stale-if-error": "never" },
    steps: [
      { reply: [FRESH], expect: "MISS 1" },
      { after: 110, send: ["Cache-Control: stale-if-error=10"], reply: "down", expect: "STALE 1" },
      {
        after: 1,
        send: ["Cache-Control: stale-if-error=10"],
        reply: "down",
        expect: "502 MISS error",
      },
    ],
  },
]);

testCases(
  "by default directives of clients are ignored, and the origin does not see them",
  ["no-cache", "no-store", "max-age=0", "min-fresh=999", "only-if-cached"].map((it): Case => ({
    name: it,
    steps: [
      {
        send: [`Cache-Control: ${it}`, "Pragma: no-cache"],
        reply: [FRESH, `Last-Modified: ${at(-9)}`],
        expect: "MISS 1",
        asked: { "cache-control": null, pragma: null },
      },
      { after: 1, send: [`Cache-Control: ${it}`, "Pragma: no-cache"], expect: "HIT 1" },
    ],
  })),
);
