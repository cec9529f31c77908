import { assertEquals } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { Gate } from "../support/gate.ts";
import { type Answerer, RawOrigin } from "../support/origin.ts";
import type { TestProxy } from "../support/test_proxy.ts";

/** Copies are fresh for an hour and may be served for two more while they are revalidated. */
const CONFIG = { cache: { "stale-while-revalidate": "2h" } };

const CLIENTS = 30;

/** As `ask`, without waiting for what goes on in the background. */
async function askNow(proxy: TestProxy, init?: RequestInit): Promise<string> {
  const { response, text } = await proxy.get("/x", init);
  return `${response.status} ${response.headers.get("x-cache")} ${text}`;
}

function gated(gate: Gate, answer: Answerer): Answerer {
  return async (seen, request) => {
    await gate.opened;
    return await answer(seen, request);
  };
}

Deno.test("many clients get the stale copy at once, behind them one revalidation", async () => {
  await using held = await stored({ config: CONFIG });
  const gate = new Gate();
  held.origin.answer = gated(gate, fileAnswer("newer", { lastModified: NOON }));
  held.clock.advance(HOUR + 1000);
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => askNow(held.proxy)));
  assertEquals(new Set(answers), new Set(["200 STALE hello"]));
  const { response } = await held.proxy.get("/x");
  assertEquals(response.headers.get("cache-status"), 'cache-proxy; hit; ttl=-1; detail="first"');
  gate.open();
  await held.proxy.settled();
  assertEquals(held.origin.seen.length, 1);
  assertEquals(await askNow(held.proxy), "200 HIT newer");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "newer");
});

Deno.test("what is not modified is fresh again without anybody having waited", async () => {
  await using held = await stored({ config: CONFIG });
  held.clock.advance(HOUR);
  assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(await ask(held.proxy), "HIT hello");
  held.clock.advance(HOUR - 1);
  assertEquals(await ask(held.proxy), "HIT hello");
  assertEquals(held.origin.seen.length, 1);
});

Deno.test("whoever asks for a part, a head or a condition does not wait either", async () => {
  await using held = await stored({ config: CONFIG });
  const gate = new Gate();
  held.origin.answer = gated(gate, statusAnswer(500));
  held.clock.advance(HOUR);
  const since = new Date(YESTERDAY).toUTCString();
  const table: [init: RequestInit, expected: string][] = [
    [{ headers: { range: "bytes=1-2" } }, "206 STALE el"],
    [{ method: "HEAD" }, "200 STALE "],
    [{ headers: { "if-modified-since": since } }, "304 STALE "],
  ];
  for (const [init, expected] of table) assertEquals(await askNow(held.proxy, init), expected);
  gate.open();
  await held.proxy.settled();
  assertEquals(held.origin.seen.map(({ method }) => method), ["GET"]);
});

Deno.test("a revalidation that fails leaves the copy, and the next request tries again", async () => {
  await using reset = new RawOrigin(() => {}, { resets: true });
  await using held = await stored({ config: CONFIG, upstreams: [reset.url] });
  held.clock.advance(HOUR);
  for (const status of [500, 503, 403, 404]) {
    held.origin.answer = statusAnswer(status);
    assertEquals(await ask(held.proxy), "STALE hello", `${status}`);
  }
  assertEquals(held.origin.seen.length, 4);
  // A body that breaks off: the copy stays whole.
  held.origin.answer = () =>
    new Response(ReadableStream.from([new Uint8Array(3)]), { headers: { "content-length": "9" } });
  assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "hello");
  held.origin.answer = fileAnswer("newer", { lastModified: NOON });
  assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(await ask(held.proxy), "HIT newer");
});

Deno.test("what no mirror has any more is not asked for again while that is remembered", async () => {
  await using held = await stored({ config: CONFIG });
  held.origin.answer = statusAnswer(404);
  held.clock.advance(HOUR);
  for (let round = 0; round < 3; round++) assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(held.origin.seen.length, 1);
  held.clock.advance(10_000);
  assertEquals(await ask(held.proxy), "STALE hello");
  assertEquals(held.origin.seen.length, 2);
  // Beyond the window the client hears what the mirrors say.
  held.clock.advance(2 * HOUR);
  assertEquals(await ask(held.proxy), "404");
});

Deno.test("beyond the window, and without one, the client waits", async () => {
  const table: [cache: Record<string, unknown>, agedMs: number, waits: boolean][] = [
    [CONFIG.cache, HOUR, false],
    [CONFIG.cache, 3 * HOUR - 1, false],
    [CONFIG.cache, 3 * HOUR, true],
    [{}, HOUR, true],
    [{ "stale-while-revalidate": "0s" }, HOUR, true],
    [{ policies: [{ match: "^/x", "stale-while-revalidate": "1m" }] }, HOUR + 59_999, false],
    [{ policies: [{ match: "^/x", "stale-while-revalidate": "1m" }] }, HOUR + 60_000, true],
    [{ ...CONFIG.cache, policies: [{ match: "x", "stale-while-revalidate": 0 }] }, HOUR, true],
  ];
  for (const [cache, agedMs, waits] of table) {
    await using held = await stored({ config: { cache } });
    held.origin.answer = fileAnswer("newer", { lastModified: NOON });
    held.clock.advance(agedMs);
    const expected = waits ? "MISS newer" : "STALE hello";
    assertEquals(await ask(held.proxy), expected, JSON.stringify([cache, agedMs]));
  }
});

Deno.test("above max-fills the stale copy is served all the same", async () => {
  const gate = new Gate();
  await using held = await stored({ config: { ...CONFIG, fetch: { "max-fills": 1 } } });
  held.origin.answer = gated(gate, () => new Response("other"));
  held.clock.advance(HOUR);
  const other = held.proxy.get("/other");
  await held.origin.asked.reaches(2);
  assertEquals(await askNow(held.proxy), "200 STALE hello");
  gate.open();
  assertEquals((await other).text, "other");
  assertEquals(held.origin.seen.length, 1);
});

Deno.test("a newer file that is not stored does not hold anything up", async () => {
  const cache = { ...CONFIG.cache, "max-object-size": 10 };
  await using held = await stored({ config: { cache } });
  held.origin.answer = fileAnswer("x".repeat(200_000), { lastModified: NOON });
  held.clock.advance(HOUR);
  for (let round = 1; round <= 3; round++) {
    assertEquals(await ask(held.proxy), "STALE hello");
    assertEquals(held.origin.seen.length, round);
  }
});
