import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { HOUR, stored } from "../support/aged_copy.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const SECOND = 1000;

/** Twice a hit: the second one is answered from memory. */
async function warm(proxy: TestProxy, path = "/x"): Promise<void> {
  await proxy.settled();
  for (let time = 0; time < 2; time++) {
    const { response } = await proxy.get(path);
    assertEquals(response.headers.get("x-cache"), "HIT");
  }
}

async function resultOf(proxy: TestProxy, init?: RequestInit): Promise<string> {
  const { response, text } = await proxy.get("/x", init);
  return `${response.status} ${response.headers.get("x-cache")} ${text}`;
}

/** Status and fields of an answer, but for the time of day. */
async function headOf(proxy: TestProxy, init: RequestInit): Promise<[number, unknown]> {
  const response = await proxy.fetch("/x", init);
  await response.body?.cancel();
  const { date: _, ...fields } = Object.fromEntries(response.headers);
  return [response.status, fields];
}

Deno.test("what is asked for again comes from memory; a file that has gone is missed within a second", async () => {
  await using held = await stored();
  await warm(held.proxy);
  await Deno.remove(held.proxy.file("x"));
  // Nothing else can still have the bytes.
  assertEquals(await resultOf(held.proxy), "200 HIT hello");
  held.clock.advance(SECOND);
  assertEquals(await resultOf(held.proxy), "200 MISS hello");
});

Deno.test("different conditions within one second are judged each for itself", async () => {
  const etag = '"v1"';
  await using origin = new Origin(fileAnswer("hello", { etag, lastModified: NOON - HOUR }));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  await proxy.get("/x");
  await warm(proxy);
  const lastModified = (await proxy.get("/x")).response.headers.get("last-modified") ?? "";
  const table: [headers: Record<string, string>, status: number][] = [
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": '"other"' }, 200],
    [{ "if-none-match": '"other"' }, 200],
    [{ "if-none-match": `"other", ${etag}` }, 304],
    [{ "if-modified-since": lastModified }, 304],
    // Beside If-None-Match it does not count.
    [{ "if-modified-since": lastModified, "if-none-match": '"other"' }, 200],
    [{ "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT" }, 200],
    [{}, 200],
    [{ "if-none-match": etag }, 304],
  ];
  for (const [headers, status] of table) {
    const { response } = await proxy.get("/x", { headers });
    assertEquals(response.status, status, JSON.stringify(headers));
  }
});

Deno.test("an edit by hand is seen within a second", async () => {
  await using held = await stored();
  await warm(held.proxy);
  await Deno.writeTextFile(held.proxy.file("x"), "edited");
  held.clock.advance(SECOND);
  assertEquals(await resultOf(held.proxy), "200 HIT edited");
});

Deno.test("with cache.memory 0 nothing comes from memory", async () => {
  await using held = await stored({ config: { cache: { memory: 0 } } });
  await warm(held.proxy);
  await Deno.remove(held.proxy.file("x"));
  assertEquals(await resultOf(held.proxy), "200 MISS hello");
});

Deno.test("a purge, a refresh and a reload are seen at once", async () => {
  await using held = await stored();
  const { proxy, origin } = held;
  const headers = { "x-cache-proxy": "1" };
  await warm(proxy);
  origin.answer = fileAnswer("newer", { lastModified: NOON });
  const purged = await fetch(`${proxy.adminUrl}/cache/x`, { method: "DELETE", headers });
  assertEquals((await purged.json()).removed, 1);
  assertEquals(await resultOf(proxy), "200 MISS newer");
  await warm(proxy);
  origin.answer = fileAnswer("newest", { lastModified: NOON + HOUR });
  const refreshed = await fetch(`${proxy.adminUrl}/refresh/x`, { method: "POST", headers });
  assertEquals((await refreshed.json()).outcome, "downloading");
  await proxy.settled();
  assertEquals(await resultOf(proxy), "200 HIT newest");
  await warm(proxy);
  held.clock.advance(10 * SECOND);
  const upstreams = [{ server: origin.url, name: "first" }];
  proxy.reload({ upstreams, config: { cache: { timeout: "5s" } } });
  assertEquals(await resultOf(proxy), "200 REVALIDATED newest");
});

Deno.test("a copy is given from memory as long as it is fresh, and its age counts", async () => {
  await using held = await stored();
  await warm(held.proxy);
  const ages: (string | null)[] = [];
  for (const seconds of [0, 1, 58, 3540]) {
    held.clock.advance(seconds * SECOND);
    ages.push((await held.proxy.get("/x")).response.headers.get("age"));
  }
  assertEquals(ages, ["0", "1", "59", "3599"]);
  held.clock.advance(SECOND);
  assertEquals(await resultOf(held.proxy), "200 REVALIDATED hello");
  await warm(held.proxy);
  held.clock.set(NOON - HOUR);
  assertNotEquals(await resultOf(held.proxy), "200 HIT hello");
});

Deno.test("answers from memory are those that come from the disk", async () => {
  const facts = { etag: '"v1"', lastModified: NOON - HOUR, headers: { "x-own": "1" } };
  await using origin = new Origin(fileAnswer("hello", facts));
  const started = await Promise.all([0, "1MiB"].map((memory) =>
    TestProxy.start({
      upstreams: [{ server: origin.url, name: "toy" }],
      config: { cache: { memory } },
      clock: new ManualClock(NOON),
    })
  ));
  await using stack = new AsyncDisposableStack();
  const [disk, memory] = started.map((it) => stack.use(it));
  assert(disk !== undefined && memory !== undefined);
  for (const proxy of [disk, memory]) {
    await proxy.get("/x");
    await warm(proxy);
  }
  const since = "Thu, 15 Jan 2026 11:00:00 GMT";
  const requests: [init: RequestInit, status: number][] = [
    [{}, 200],
    [{ method: "HEAD" }, 200],
    [{ headers: { "if-none-match": '"v1"' } }, 304],
    [{ headers: { "if-modified-since": since } }, 304],
    [{ method: "HEAD", headers: { "if-none-match": 'W/"v1"' } }, 304],
    [{ headers: { "if-none-match": '"v2"', "if-modified-since": since } }, 200],
  ];
  for (const [init, status] of requests) {
    const answer = await headOf(disk, init);
    assertEquals(answer[0], status, JSON.stringify(init));
    assertEquals(await headOf(memory, init), answer, JSON.stringify(init));
  }
});

Deno.test("what memory cannot answer goes the slow way", async () => {
  await using held = await stored({}, '"v1"');
  const { proxy } = held;
  await warm(proxy);
  const ask = (headers: Record<string, string>) => resultOf(proxy, { headers });
  assertEquals(await ask({ range: "bytes=1-2" }), "206 HIT el");
  assertEquals(await ask({ "if-match": '"v2"' }), "412 HIT ");
  assertEquals(await ask({ "if-none-match": '"v2"' }), "200 HIT hello");
  assertEquals((await ask({ via: "1.1 cache-proxy" })).slice(0, 3), "508");
  assertEquals(await resultOf(proxy, { method: "HEAD" }), "200 HIT ");
});

Deno.test("who may say how fresh is fresh enough is heard", async () => {
  await using held = await stored({ config: { cache: { "client-directives": "honour" } } });
  await warm(held.proxy);
  const headers = { "cache-control": "no-cache" };
  assertEquals(await resultOf(held.proxy, { headers }), "200 REVALIDATED hello");
});

Deno.test("memory is bounded: what was not asked for longest leaves it", async () => {
  await using origin = new Origin(fileAnswer("x".repeat(10_000)));
  const clock = new ManualClock(NOON);
  const config = { cache: { memory: "40KiB" } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config, clock });
  for (const name of ["a", "b", "c", "d"]) {
    await proxy.get(`/${name}`);
    await warm(proxy, `/${name}`);
    await Deno.remove(proxy.file(name));
  }
  // Of four with 12 KiB each three fit.
  const results: (string | null)[] = [];
  for (const name of ["d", "c", "b", "a"]) {
    results.push((await proxy.get(`/${name}`)).response.headers.get("x-cache"));
  }
  assertEquals(results, ["HIT", "HIT", "HIT", "MISS"]);
});

Deno.test("several spellings of one path are kept, and go together", async () => {
  await using held = await stored();
  const { proxy } = held;
  await warm(proxy, "/x");
  await warm(proxy, "/%78");
  await Deno.remove(proxy.file("x"));
  for (const path of ["/x", "/%78"]) {
    assertEquals((await proxy.get(path)).response.headers.get("x-cache"), "HIT", path);
  }
  await fetch(`${proxy.adminUrl}/cache/x`, { method: "DELETE", headers: { "x-cache-proxy": "1" } })
    .then((response) => response.body?.cancel());
  assertEquals((await proxy.get("/%78")).response.headers.get("x-cache"), "MISS");
});
