import { assertEquals } from "@std/assert";
import { assertSameBytes, randomBytes } from "../../support/body.ts";
import { Gate } from "../../support/gate.ts";
import { Origin } from "../../support/origin.ts";
import { rangeMirror } from "../../support/range_mirror.ts";
import { TestProxy } from "../../support/test_proxy.ts";
import { Bench, type Case, resultOf, testCases } from "./bench.ts";

const FRESH = "Cache-Control: max-age=9";

/** Whether a second request with other fields is answered from the first one's copy. */
function pair(
  name: string,
  vary: string[],
  first: string[],
  second: string[],
  isHit: boolean,
): Case {
  const reply = [FRESH, ...vary.map((line) => `Vary: ${line}`)];
  return {
    name,
    steps: [
      { send: first, reply, expect: "MISS 1" },
      isHit ? { send: second, expect: "HIT 1" } : { send: second, reply, expect: "MISS 2" },
    ],
  };
}

const hit = (name: string, vary: string[], first: string[], second: string[] = first): Case =>
  pair(name, vary, first, second, true);
const miss = (name: string, vary: string[], first: string[], second: string[]): Case =>
  pair(name, vary, first, second, false);

testCases("RFC 9111 4.1: what matches", [
  hit("the same value", ["Foo"], ["Foo: 1"]),
  hit("none in either", ["Foo"], []),
  hit("what is not named", ["Foo"], ["Foo: 1", "Bar: 1"], ["Foo: 1", "Bar: 2"]),
  hit("two fields", ["Foo, Bar"], ["Foo: 1", "Bar: 2"]),
  hit("two fields, other order", ["Foo, Bar"], ["Foo: 1", "Bar: 2"], ["Bar: 2", "Foo: 1"]),
  hit("two lines", ["Foo", "Bar"], ["Foo: 1", "Bar: 2"]),
  hit("other case in Vary", ["fOO"], ["Foo: 1"], ["foo: 1"]),
  hit("empty members", ["", ", ,Foo,, "], ["Foo: 1"]),
  hit("an empty Vary", [""], ["Foo: 1"], ["Foo: 2"]),
  hit("spaces between members", ["Foo"], ["Foo: 1,2"], ["Foo: 1, 2"]),
  hit("one line or two", ["Foo"], ["Foo: 1", "Foo: 2"], ["Foo: 1, 2"]),
  hit("language in another case", ["Accept-Language"], ["Accept-Language: EN"], [
    "Accept-Language: en",
  ]),
  hit("Accept-Encoding, as the origin is always asked for identity", ["Accept-Encoding"], [
    "Accept-Encoding: gzip",
  ], ["Accept-Encoding: br"]),
  hit("Cookie, as the origin sees none", ["Cookie"], ["Cookie: a=1"], ["Cookie: a=2"]),
  hit("Range, as the origin sees none", ["Range"], [], []),
]);

testCases("RFC 9111 4.1: what does not match", [
  miss("another value", ["Foo"], ["Foo: 1"], ["Foo: 2"]),
  miss("there and missing", ["Foo"], ["Foo: 1"], []),
  miss("missing and there", ["Foo"], [], ["Foo: 1"]),
  miss("another case of the value", ["Foo"], ["Foo: a"], ["Foo: A"]),
  miss("another order of members", ["Foo"], ["Foo: 1, 2"], ["Foo: 2, 1"]),
  miss("the second of two fields", ["Foo, Bar"], ["Foo: 1", "Bar: 1"], ["Foo: 1", "Bar: 2"]),
  miss("the second of two lines", ["Foo", "Bar"], ["Foo: 1", "Bar: 1"], ["Foo: 1", "Bar: 2"]),
  miss("one of three is missing", ["Foo, Bar, Baz"], ["Foo: 1", "Bar: 1"], [
    "Foo: 1",
    "Bar: 1",
    "Baz: 1",
  ]),
  miss("User-Agent", ["User-Agent"], ["User-Agent: a"], ["User-Agent: b"]),
  miss("Accept", ["Accept"], ["Accept: text/html"], ["Accept: text/plain"]),
  miss("Origin", ["Origin"], ["Origin: http://a.test"], ["Origin: http://b.test"]),
]);

testCases(
  "RFC 9110 12.5.5: * matches nothing",
  [["*"], ["Foo, *"], ["*, Foo"], ["Foo", "*"], [" ,*, "]].map((vary): Case => {
    const reply = [FRESH, ...vary.map((line) => `Vary: ${line}`)];
    return {
      name: vary.join(" | "),
      steps: [{ reply, expect: "BYPASS 1" }, { reply, expect: "BYPASS 2" }],
    };
  }),
);

testCases("RFC 9111 4.1: several answers are stored side by side", [
  {
    name: "each is a hit afterwards",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1", asked: { foo: "1" } },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 2", asked: { foo: "2" } },
      { reply: [FRESH, "Vary: Foo"], expect: "MISS 3", asked: { foo: null } },
      { send: ["Foo: 2"], expect: "HIT 2" },
      { send: ["Foo: 1"], expect: "HIT 1" },
      { expect: "HIT 3" },
      { send: ["Foo: 2"], method: "HEAD", expect: "HIT" },
      { send: ["Foo: 2", "Range: bytes=0-0"], expect: "206 HIT 2" },
    ],
  },
  {
    name: "each with its own age, validator and fields",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo", 'ETag: "a"'], expect: "MISS 1" },
      {
        after: 5,
        send: ["Foo: 2"],
        reply: [FRESH, "Vary: Foo", 'ETag: "b"'],
        expect: "MISS 2",
        asked: { "if-none-match": null },
      },
      {
        after: 5,
        send: ["Foo: 1"],
        reply: ["304", "X-A: 1"],
        expect: "REVALIDATED 1",
        asked: { "if-none-match": '"a"', foo: "1" },
      },
      { send: ["Foo: 2"], expect: "HIT 2", fields: { age: "5", etag: '"b"', "x-a": null } },
      {
        after: 5,
        send: ["Foo: 2"],
        reply: ["304"],
        expect: "REVALIDATED 2",
        asked: { "if-none-match": '"b"', foo: "2" },
      },
      { send: ["Foo: 1"], expect: "HIT 1", fields: { age: "5", etag: '"a"', "x-a": "1" } },
    ],
  },
  {
    name: "stale ones stand in for their own requests alone",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 2" },
      { after: 99, send: ["Foo: 2"], reply: "down", expect: "STALE 2" },
      { send: ["Foo: 1"], reply: ["503"], expect: "STALE 1" },
      { send: ["Foo: 3"], reply: "down", expect: "502 MISS error" },
    ],
  },
  {
    name: "an answer without Vary is for all",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH], expect: "MISS 1" },
      { send: ["Foo: 2"], expect: "HIT 1" },
    ],
  },
  {
    name: "one without Vary among others is for its own request at least",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2"], reply: [FRESH], expect: "MISS 2" },
      { send: ["Foo: 2"], expect: "HIT 2" },
      { send: ["Foo: 1"], expect: "HIT 1" },
    ],
  },
  {
    name: "one variant varies by more than the others",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { send: ["Foo: 2", "Bar: 1"], reply: [FRESH, "Vary: Foo, Bar"], expect: "MISS 2" },
      { send: ["Foo: 2", "Bar: 2"], reply: [FRESH, "Vary: Foo, Bar"], expect: "MISS 3" },
      { send: ["Foo: 2", "Bar: 1"], expect: "HIT 2" },
      { send: ["Foo: 2", "Bar: 2"], expect: "HIT 3" },
      { send: ["Foo: 1", "Bar: 2"], expect: "HIT 1" },
    ],
  },
  {
    name: "each varies by something else",
    steps: [
      ...["A", "B", "C", "D", "E", "F"].map((name, index) => ({
        send: ["A: 1", "B: 1", "C: 1", "D: 1", "E: 1", "F: 1"].map((line) =>
          line[0] !== undefined && line[0] < name ? line.replace("1", "2") : line
        ),
        reply: [FRESH, `Vary: ${name}`],
        expect: `MISS ${index + 1}`,
      })),
      { send: ["A: 1", "B: 7"], expect: "HIT 1" },
      { send: ["A: 2", "B: 1"], expect: "HIT 2" },
    ],
  },
  {
    name: "what an answer varies by changes",
    steps: [
      { send: ["Foo: 1", "Bar: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" },
      { after: 9, send: ["Foo: 1", "Bar: 1"], reply: [FRESH, "Vary: Bar"], expect: "MISS 2" },
      { send: ["Foo: 2", "Bar: 1"], expect: "HIT 2" },
      { send: ["Foo: 1", "Bar: 2"], reply: [FRESH, "Vary: Bar"], expect: "MISS 4" },
      { send: ["Foo: 3", "Bar: 2"], expect: "HIT 4" },
    ],
  },
  {
    name: "4.1: a 304 that names other fields",
    steps: [
      { send: ["Foo: 1"], reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      { after: 9, send: ["Foo: 1"], reply: ["304", "Vary: Foo"], expect: "REVALIDATED 1" },
      { send: ["Foo: 1"], expect: "HIT 1" },
      { send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 4" },
    ],
  },
  {
    name: "4.1: a 304 that says *",
    steps: [
      { reply: [FRESH, 'ETag: "a"'], expect: "MISS 1" },
      { after: 9, reply: ["304", "Vary: *"], expect: "REVALIDATED 1" },
      { reply: ["304", "Vary: *"], expect: "REVALIDATED 1", asked: { "if-none-match": '"a"' } },
      { reply: "down", expect: "502 MISS error" },
      { reply: ["304", "Vary: Foo"], expect: "REVALIDATED 1" },
      { expect: "HIT 1" },
    ],
  },
  {
    name: "negotiated errors too",
    steps: [
      { send: ["Accept: a"], reply: ["406", FRESH, "Vary: Accept"], expect: "406 MISS 1" },
      { send: ["Accept: b"], reply: [FRESH, "Vary: Accept"], expect: "MISS 2" },
      { send: ["Accept: a"], expect: "406 HIT 1" },
      { send: ["Accept: b"], expect: "HIT 2" },
    ],
  },
]);

/** Answers with the value of the field that they vary by, each when the test lets it. */
async function echoing(vary: string): Promise<{ bench: Bench; gate: Gate }> {
  const bench = await Bench.start();
  const gate = new Gate();
  bench.answer = async ({ head, write }) => {
    const value = /^foo: (.*)$/im.exec(head)?.[1] ?? "none";
    // A body without a length is on its way from its first byte on.
    const fields = [FRESH, `Vary: ${vary}`, "Transfer-Encoding: chunked", "Content-Length:"];
    const message = bench.message(fields, "");
    await write(`${message.replace("Content-Length:\r\n", "")}4\r\nfor \r\n`);
    await gate.opened;
    await write(`${value.length.toString(16)}\r\n${value}\r\n0\r\n\r\n`);
  };
  return { bench, gate };
}

Deno.test("RFC 9111 4.1: who joins a download with other fields gets a variant of its own", async () => {
  const { bench, gate } = await echoing("Foo");
  await using _ = bench;
  const values = ["1", "2", "1", "3", "2", "none", "3", "1"];
  const ask = (value: string) => {
    const headers = new Headers(value === "none" ? [] : [["Foo", value]]);
    return bench.proxy.fetch("/x", { headers });
  };
  const first = ask("1");
  await bench.origin.asked.reaches(1);
  const asking = [first, ...values.slice(1).map(ask)];
  // One download for each variant, and none but these: only then can all have their answers.
  const responses = await Promise.all(asking);
  gate.open();
  for (const [index, value] of values.entries()) {
    assertEquals(await responses[index]?.text(), `for ${value}`);
  }
  await bench.proxy.settled();
  assertEquals(bench.origin.heads.length, 4);
  for (const value of values) {
    const headers = value === "none" ? {} : { Foo: value };
    const { response, text } = await bench.proxy.get("/x", { headers });
    assertEquals(resultOf(response, text), `HIT for ${value}`);
  }
});

Deno.test("RFC 9111 4.1: many at once on nothing stored, and nobody gets another one's answer", async () => {
  for (const [vary, cacheable] of [["Foo", true], ["Foo, Bar", true], ["*", false]] as const) {
    const { bench, gate } = await echoing(vary);
    await using _ = bench;
    gate.open();
    const asking = Array.from({ length: 40 }, async (_, index) => {
      const value = `${index % 5}`;
      const headers = { Foo: value, Bar: `${index % 2}` };
      const { response, text } = await bench.proxy.get("/x", { headers });
      assertEquals(resultOf(response, text).replace(/^\w+ /, ""), `for ${value}`);
    });
    await Promise.all(asking);
    await bench.proxy.settled();
    const downloads = bench.origin.heads.length;
    assertEquals(downloads, cacheable ? (vary === "Foo" ? 5 : 10) : 40, vary);
  }
});

Deno.test("RFC 9111 4.1: a HEAD and a range join their own variant", async () => {
  const { bench, gate } = await echoing("Foo");
  await using _ = bench;
  const first = bench.proxy.get("/x", { headers: { Foo: "1" } });
  await bench.origin.asked.reaches(1);
  const range = bench.proxy.get("/x", { headers: { Foo: "2", Range: "bytes=4-" } });
  await bench.origin.asked.reaches(2);
  gate.open();
  assertEquals((await first).text, "for 1");
  assertEquals((await range).text, "2");
  await bench.proxy.settled();
  const head = await bench.proxy.get("/x", { method: "HEAD", headers: { Foo: "2" } });
  assertEquals(head.response.headers.get("x-cache"), "HIT");
});

Deno.test("RFC 9111 4.1: an old variant is not taken for one that was filled meanwhile", async () => {
  await using bench = await Bench.start();
  await bench.step({ send: ["Foo: 1"], reply: [FRESH, "Vary: Foo"], expect: "MISS 1" });
  const [first = ""] = bench.proxy.files();
  await bench.step({ send: ["Foo: 2"], reply: [FRESH, "Vary: Foo"], expect: "MISS 2" });
  // As when the disk was too small for both.
  await Deno.remove(bench.proxy.file(first));
  await bench.step({ send: ["Foo: 1"], reply: "down", expect: "502 MISS error" });
  bench.clock.advance(60_000);
  const gate = new Gate();
  bench.answer = async ({ head, write }) => {
    await gate.opened;
    await write(bench.message([FRESH, "Vary: Foo"], /^foo: (.*)$/im.exec(head)?.[1] ?? "none"));
  };
  const ask = async (value: string) => {
    const { response, text } = await bench.proxy.get("/x", { headers: { Foo: value } });
    return resultOf(response, text);
  };
  const asking = [ask("1")];
  await bench.origin.asked.reaches(4);
  asking.push(ask("2"));
  // Once this one is answered the one before it has joined the first.
  await bench.proxy.get("/", { method: "MKCOL" });
  gate.open();
  assertEquals(await Promise.all(asking), ["MISS 1", "MISS 2"]);
  assertEquals(bench.origin.heads.length, 5);
});

Deno.test("RFC 9111 3.4: the rest of a variant that broke off is asked for as that variant", async () => {
  const all = randomBytes(1024 * 1024);
  const answer = rangeMirror(all, {
    etag: '"v1"',
    headers: { vary: "x-flavour" },
    breakAt: 500_000,
    troubles: 1,
  });
  await using origin = new Origin(answer);
  const upstream = { server: origin.url, checkers: [{ "status-codes": "any" }] };
  await using proxy = await TestProxy.start({
    upstreams: [upstream],
    config: { cache: { timeout: "upstream" } },
  });
  const response = await proxy.fetch("/x", { headers: { "x-flavour": "sweet" } });
  assertSameBytes(await response.bytes(), all);
  assertEquals(origin.seen.map(({ headers }) => headers.get("x-flavour")), ["sweet", "sweet"]);
});
