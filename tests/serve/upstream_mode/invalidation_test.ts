import { type Case, type Step, testCases } from "./bench.ts";

const FRESH = "Cache-Control: max-age=99";

function unsafe(
  method: string,
  reply: readonly string[],
  { path = "/x", is }: { path?: string; is: "gone" | "kept" },
): Step[] {
  const head = reply[0] === "200" ? "" : `${reply[0]} `;
  const body = head === "204 " ? "" : " 2";
  return [
    { reply: [FRESH], expect: "MISS 1" },
    { method, path, reply, expect: `${head}BYPASS${body}` },
    is === "gone" ? { reply: [FRESH], expect: "MISS 3" } : { expect: "HIT 1" },
  ];
}

testCases("RFC 9111 4.4: a successful unsafe method makes the copy worthless", [
  ...["POST", "PUT", "DELETE", "PATCH"].flatMap((method) => [
    ...[200, 201, 204, 302, 303].map((status): Case => ({
      name: `${method} ${status}`,
      steps: unsafe(method, [`${status}`], { is: "gone" }),
    })),
    ...[400, 404, 409, 500, 503].map((status): Case => ({
      name: `${method} ${status}: an error changes nothing`,
      steps: unsafe(method, [`${status}`], { is: "kept" }),
    })),
  ]),
  { name: "OPTIONS is safe", steps: unsafe("OPTIONS", ["200"], { is: "kept" }) },
  { name: "another path", steps: unsafe("POST", ["200"], { path: "/y", is: "kept" }) },
  { name: "another query", steps: unsafe("POST", ["200"], { path: "/x?q", is: "kept" }) },
  ...["Location", "Content-Location"].flatMap((name): Case[] => [
    { name, steps: unsafe("POST", ["201", `${name}: /x`], { path: "/y", is: "gone" }) },
    {
      name: `${name}, relative`,
      steps: unsafe("POST", ["201", `${name}: x`], { path: "/y", is: "gone" }),
    },
    {
      name: `${name} of another origin`,
      steps: unsafe("POST", ["201", `${name}: http://other.test/x`], { path: "/y", is: "kept" }),
    },
    {
      name: `${name} of an error`,
      steps: unsafe("POST", ["400", `${name}: /x`], { path: "/y", is: "kept" }),
    },
    {
      name: `${name} of a safe method`,
      steps: unsafe("OPTIONS", ["200", `${name}: /x`], { path: "/y", is: "kept" }),
    },
  ]),
  {
    name: "all variants of the key",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 2" },
      { send: ["Foo: 3"], reply: [FRESH, "Vary: Foo"], expect: "MISS 3" },
      { path: "/x1", reply: [FRESH], expect: "MISS 4" },
      { path: "/x/1", reply: [FRESH], expect: "MISS 5" },
      { method: "POST", reply: ["204"], expect: "204 BYPASS" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 7" },
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 8" },
      { send: ["Foo: 3"], reply: [FRESH, "Vary: Foo"], expect: "MISS 9" },
      { path: "/x1", expect: "HIT 4" },
      { path: "/x/1", expect: "HIT 5" },
    ],
  },
  {
    name: "all variants of what Location names",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 2" },
      { method: "POST", path: "/y", reply: ["201", "Location: /x"], expect: "201 BYPASS 3" },
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 4" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 5" },
    ],
  },
]);

testCases("RFC 9111 3, RFC 9110 9: answers to other methods are not stored", [
  ...["POST", "PUT", "OPTIONS"].map((method): Case => ({
    name: method,
    steps: [
      { method, reply: [FRESH], expect: "BYPASS 1" },
      { reply: [FRESH], expect: "MISS 2" },
      ...(method === "OPTIONS"
        ? [{ method, reply: [FRESH], expect: "BYPASS 3" }, { expect: "HIT 2" }]
        : []),
    ],
  })),
]);
