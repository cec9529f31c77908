import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Answerer, Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** A mirror without any file, its proxy and a clock. */
async function nothing(
  answer: Answerer,
  cache: Record<string, unknown> = {},
  upstreams: readonly string[] = [],
): Promise<AsyncDisposable & { origin: Origin; proxy: TestProxy; clock: ManualClock }> {
  const origin = new Origin(answer);
  const clock = new ManualClock(NOON);
  const mirrors = [{ server: origin.url, name: "first" }, ...upstreams];
  const proxy = await TestProxy.start({ upstreams: mirrors, clock, config: { cache } });
  return {
    origin,
    proxy,
    clock,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

Deno.test("404 and 410 are remembered for ten seconds, and the answer says so", async () => {
  for (const status of [404, 410]) {
    await using held = await nothing(statusAnswer(status));
    const first = await held.proxy.get("/x");
    assertEquals(first.response.headers.get("cache-status"), "cache-proxy; fwd=uri-miss");
    held.clock.advance(4_500);
    const second = await held.proxy.get("/x");
    assertEquals([second.response.status, second.text], [status, first.text]);
    assertStringIncludes(second.text, `first: answered ${status}`);
    assertEquals(second.response.headers.get("x-cache"), "HIT");
    assertEquals(second.response.headers.get("cache-status"), "cache-proxy; hit; ttl=6");
    held.clock.advance(5_499);
    assertEquals((await held.proxy.get("/x", { method: "HEAD" })).response.status, status);
    assertEquals(held.origin.seen.length, 1);
    held.origin.answer = fileAnswer("there");
    assertEquals(await ask(held.proxy), `${status}`);
    held.clock.advance(1);
    assertEquals(await ask(held.proxy), "MISS there");
  }
});

Deno.test("what a HEAD has found out counts for a GET, and the other way round", async () => {
  await using held = await nothing(statusAnswer(404));
  for (const method of ["HEAD", "GET", "HEAD"]) {
    assertEquals((await held.proxy.get("/x", { method })).response.status, 404);
  }
  assertEquals(held.origin.seen.map(({ method }) => method), ["HEAD"]);
});

Deno.test("policies say which statuses are remembered, and for how long", async () => {
  const none = { negative: {} };
  const table: [cache: Record<string, unknown>, status: number, forMs: number][] = [
    [{}, 403, 0],
    [{}, 500, 0],
    [none, 404, 0],
    [{ negative: { 404: "0s" } }, 404, 0],
    [{ negative: { 404: "1m" } }, 404, 60_000],
    [{ negative: { 404: "1m" } }, 410, 0],
    [{ negative: { 403: "30s" } }, 403, 30_000],
    [{ negative: { 403: "30s" } }, 404, 0],
    [{ negative: { 503: "2s" } }, 503, 2_000],
    [{ policies: [{ match: "^/x", ...none }] }, 404, 0],
    [{ policies: [{ match: "^/y", ...none }] }, 404, 10_000],
    [{ ...none, policies: [{ match: "^/x", negative: { 404: "1h" } }] }, 404, HOUR],
  ];
  for (const [cache, status, forMs] of table) {
    await using held = await nothing(statusAnswer(status), cache);
    const seen: number[] = [];
    const label = JSON.stringify([cache, status]);
    for (const ms of [0, Math.max(0, forMs - 1), Math.min(forMs, 1)]) {
      held.clock.advance(ms);
      const { response } = await held.proxy.get("/x");
      assertEquals(response.status, status === 404 || status === 410 ? status : 502, label);
      seen.push(held.origin.seen.length);
    }
    assertEquals(seen, forMs === 0 ? [1, 2, 3] : [1, 1, 2], label);
  }
});

Deno.test("nothing is remembered when one of the mirrors did not say so", async () => {
  const gate = new Gate();
  const silent: Answerer = async () => {
    await gate.opened;
    return new Response();
  };
  const cases: [name: string, answer: Answerer | "reset", status: number][] = [
    ["500", statusAnswer(500), 404],
    ["403", statusAnswer(403), 404],
    ["redirect", () => Response.redirect("http://login.test/"), 404],
    ["reset", "reset", 502],
    ["silence", silent, 504],
  ];
  for (const [name, answer, status] of cases) {
    await using second = answer === "reset"
      ? new RawOrigin(() => {}, { resets: true })
      : new Origin(answer);
    await using held = await nothing(statusAnswer(404), {}, [second.url]);
    for (let round = 1; round <= 2; round++) {
      const asking = held.proxy.get("/x");
      const bothAsked = [second, held.origin].map(({ asked }) => asked.reaches(round));
      await Promise.race([Promise.all(bothAsked), asking]);
      if (name === "silence") held.clock.advance(10_000);
      const { response } = await asking;
      assertEquals([response.status, response.headers.get("x-cache")], [status, "MISS"], name);
      held.clock.advance(1);
    }
    assertEquals(second.asked.count, 2, name);
    gate.open();
  }
});

Deno.test("404 of one and 410 of the other mirror are remembered as 404", async () => {
  await using second = new Origin(statusAnswer(410));
  await using held = await nothing(statusAnswer(404), {}, [second.url]);
  for (let round = 0; round < 3; round++) assertEquals(await ask(held.proxy), "404");
  assertEquals([held.origin.seen.length, second.seen.length], [1, 1]);
});

Deno.test("each spelling of a path and each query is remembered for itself", async () => {
  await using held = await nothing(({ target }) =>
    target.includes("+") ? fileAnswer("plus")({ ...NO_REQUEST, target }, UNUSED) : sorry()
  );
  assertEquals(await ask(held.proxy, "/a%2Bb"), "404");
  assertEquals(await ask(held.proxy, "/a+b"), "MISS plus");
  assertEquals(await ask(held.proxy, "/c?v=1"), "404");
  assertEquals(await ask(held.proxy, "/c?v=2"), "404");
  assertEquals(await ask(held.proxy, "/c"), "404");
  for (const path of ["/c", "/c?v=1", "/c?v=2"]) assertEquals(await ask(held.proxy, path), "404");
  assertEquals(held.origin.seen.length, 5);
});

const NO_REQUEST = { method: "GET", headers: new Headers() };
const UNUSED = new Request("http://unused.test/");

function sorry(): Response {
  return new Response("sorry", { status: 404 });
}

Deno.test("an error that is remembered does not stand before a copy that may stand in", async () => {
  await using held = await stored({ config: { cache: { negative: { 403: "1m", 404: "1m" } } } });
  held.clock.advance(HOUR);
  held.origin.answer = statusAnswer(403);
  for (let round = 0; round < 3; round++) assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(held.origin.seen.length, 1);
  held.clock.advance(60_000);
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

Deno.test("a copy outlives the 404 that hides it", async () => {
  await using held = await stored();
  held.clock.advance(HOUR);
  held.origin.answer = statusAnswer(404);
  for (let round = 0; round < 3; round++) assertEquals(await ask(held.proxy), "404");
  assertEquals([held.origin.seen.length, held.proxy.storedKeys()], [1, ["/x"]]);
  held.clock.advance(10_000);
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

Deno.test("a file that is put into the tree ends the 404", async () => {
  await using held = await nothing(statusAnswer(404), { timeout: "never" });
  assertEquals(await ask(held.proxy), "404");
  await Deno.writeTextFile(held.proxy.file("x"), "by hand");
  assertEquals(await ask(held.proxy), "HIT by hand");
});
