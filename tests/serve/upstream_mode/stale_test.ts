import { assertEquals } from "@std/assert";
import { Gate, settle } from "../../support/gate.ts";
import { Bench, type Case, type Reply, resultOf, testCases } from "./bench.ts";

/** A copy that has become stale, and an origin in trouble. */
function trouble(
  name: string,
  directives: string,
  reply: Reply,
  expect: string,
  { after = 10, cache = {} }: { after?: number; cache?: Record<string, unknown> } = {},
): Case {
  return {
    name,
    cache,
    steps: [
      { reply: [`Cache-Control: ${directives}`, 'ETag: "a"'], expect: "MISS 1" },
      { after, reply, expect },
    ],
  };
}

const DOWN = "502 MISS error";
const NEVER = { cache: { "stale-if-error": "never" } };

testCases("RFC 9111 4.2.4, RFC 5861 4: a stale copy when the origin is in trouble", [
  trouble("down", "max-age=5", "down", "STALE 1"),
  ...[500, 502, 503, 504].map((it) => trouble(`${it}`, "max-age=5", [`${it}`], "STALE 1")),
  ...[400, 403, 404, 410, 501, 599].map((it) =>
    trouble(`${it} is an answer`, "max-age=5", [`${it}`], `${it} BYPASS 2`)
  ),
  trouble("stale-if-error", "max-age=5, stale-if-error=9", "down", "STALE 1"),
  trouble("stale-if-error, 503", "max-age=5, stale-if-error=9", ["503"], "STALE 1"),
  trouble("stale-if-error up to its end", "max-age=5, stale-if-error=5", "down", "STALE 1"),
  trouble("stale-if-error is over", "max-age=5, stale-if-error=4", "down", DOWN),
  trouble("stale-if-error is over, 503", "max-age=5, stale-if-error=4", ["503"], "503 BYPASS 2"),
  trouble("stale-if-error=0", "max-age=5, stale-if-error=0", "down", DOWN),
  trouble("the policy allows none", "max-age=5", "down", DOWN, NEVER),
  trouble("the policy allows none, 503", "max-age=5", ["503"], "503 BYPASS 2", NEVER),
  trouble(
    "the answer counts more than the policy",
    "max-age=5, stale-if-error=9",
    "down",
    "STALE 1",
    NEVER,
  ),
  trouble("the policy's time", "max-age=5", "down", "STALE 1", {
    cache: { "stale-if-error": "5s" },
  }),
  trouble("the policy's time is over", "max-age=5", "down", DOWN, {
    cache: { "stale-if-error": "4s" },
  }),
]);

testCases(
  "RFC 9111 4.2.4: what forbids a stale copy",
  ["must-revalidate", "proxy-revalidate", "s-maxage=5", "no-cache"].flatMap((directive): Case[] => {
    const all = `max-age=5, ${directive}, stale-if-error=99, stale-while-revalidate=99`;
    return [
      trouble(`${directive}, down`, all, "down", DOWN),
      trouble(`${directive}, 503`, all, ["503"], "503 BYPASS 2"),
      {
        name: `${directive}: back again`,
        steps: [
          { reply: [`Cache-Control: ${all}`, 'ETag: "a"'], expect: "MISS 1" },
          { after: 10, reply: "down", expect: DOWN },
          { reply: ["304"], expect: "REVALIDATED 1", asked: { "if-none-match": '"a"' } },
        ],
      },
    ];
  }).concat([
    trouble("MUST-Revalidate", "max-age=5, MUST-Revalidate", "down", DOWN),
    {
      name: "must-revalidate is no word on a fresh copy",
      steps: [
        { reply: ["Cache-Control: max-age=5, must-revalidate"], expect: "MISS 1" },
        { after: 4, expect: "HIT 1" },
      ],
    },
  ]),
);

testCases("a stale copy says so", [
  {
    name: "in Age, X-Cache and Cache-Status",
    steps: [
      { reply: ["Cache-Control: max-age=5"], expect: "MISS 1" },
      { after: 12, reply: "down", expect: "STALE 1", fields: { age: "12", warning: null } },
    ],
  },
  {
    name: "an old error does not stand in for a new one",
    steps: [
      { reply: ["503", "Cache-Control: max-age=5"], expect: "503 MISS 1" },
      { after: 4, expect: "503 HIT 1" },
      { after: 4, reply: ["503"], expect: "503 BYPASS 3" },
      { reply: "down", expect: DOWN },
    ],
  },
  {
    name: "what was said to be gone stands in when nobody can be asked",
    steps: [
      { reply: ["404", "Cache-Control: max-age=5"], expect: "404 MISS 1" },
      { after: 9, reply: "down", expect: "404 STALE 1" },
    ],
  },
]);

Deno.test("RFC 5861 3: stale-while-revalidate: one question in the background, nobody waits", async () => {
  await using bench = await Bench.start();
  const directives = "Cache-Control: max-age=5, stale-while-revalidate=10";
  await bench.walk([{ reply: [directives, 'ETag: "a"'], expect: "MISS 1" }]);
  bench.clock.advance(6_000);
  const gate = new Gate();
  bench.answer = async ({ write }) => {
    await gate.opened;
    await write(bench.message(["304", directives, "X-A: new"], ""));
  };
  for (let again = 0; again < 5; again++) {
    const { response, text } = await bench.proxy.get("/x");
    assertEquals(resultOf(response, text), "STALE 1");
    assertEquals(response.headers.get("age"), "6");
  }
  await bench.origin.asked.reaches(2);
  await settle();
  assertEquals(bench.origin.heads.length, 2);
  gate.open();
  await bench.proxy.settled();
  const { response, text } = await bench.proxy.get("/x");
  assertEquals(resultOf(response, text), "HIT 1");
  assertEquals([response.headers.get("x-a"), response.headers.get("age")], ["new", "0"]);
});

testCases("RFC 5861 3: stale-while-revalidate", [
  {
    name: "the new one is there for the next client",
    steps: [
      { reply: ["Cache-Control: max-age=5, stale-while-revalidate=10"], expect: "MISS 1" },
      { after: 14, reply: ["Cache-Control: max-age=5"], expect: "STALE 1" },
      { expect: "HIT 2", fields: { age: "0" } },
    ],
  },
  {
    name: "its time is over",
    steps: [
      { reply: ["Cache-Control: max-age=5, stale-while-revalidate=10"], expect: "MISS 1" },
      { after: 15, reply: ["Cache-Control: max-age=5"], expect: "MISS 2" },
    ],
  },
  {
    name: "the policy's time",
    cache: { "stale-while-revalidate": "10s" },
    steps: [
      { reply: ["Cache-Control: max-age=5"], expect: "MISS 1" },
      { after: 14, reply: ["Cache-Control: max-age=5"], expect: "STALE 1" },
      { expect: "HIT 2" },
      { after: 15, reply: ["Cache-Control: max-age=5"], expect: "MISS 4" },
    ],
  },
  {
    name: "an origin in trouble changes nothing",
    steps: [
      { reply: ["Cache-Control: max-age=5, stale-while-revalidate=10"], expect: "MISS 1" },
      { after: 6, reply: "down", expect: "STALE 1" },
      { reply: ["500"], expect: "STALE 1" },
      { reply: ["500", "Cache-Control: max-age=99"], expect: "STALE 1" },
      { reply: ["Cache-Control: no-store"], expect: "STALE 1" },
      { reply: ["Cache-Control: max-age=5"], expect: "STALE 1" },
      { expect: "HIT 6" },
    ],
  },
  {
    name: "each variant is revalidated with its own fields",
    steps: [
      {
        send: ["Foo: 1"],
        reply: ["Cache-Control: max-age=5, stale-while-revalidate=10", "Vary: Foo"],
        expect: "MISS 1",
      },
      {
        send: ["Foo: 2"],
        reply: ["Cache-Control: max-age=5, stale-while-revalidate=10", "Vary: Foo"],
        expect: "MISS 2",
      },
      {
        after: 6,
        send: ["Foo: 2"],
        reply: ["Cache-Control: max-age=5", "Vary: Foo"],
        expect: "STALE 2",
        asked: { foo: "2" },
      },
      { send: ["Foo: 2"], expect: "HIT 3" },
      {
        send: ["Foo: 1"],
        reply: ["Cache-Control: max-age=5", "Vary: Foo"],
        expect: "STALE 1",
        asked: { foo: "1" },
      },
    ],
  },
]);
