import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ask, HOUR, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** A data directory with `/x` in it, and a proxy that is offline over it. */
async function offline(
  cache: Record<string, unknown> = {},
): Promise<AsyncDisposable & { proxy: TestProxy; origin: RawOrigin; clock: ManualClock }> {
  const folder = await tempDir();
  const clock = new ManualClock(NOON);
  {
    await using mirror = new Origin(fileAnswer("hello", { etag: '"v"', lastModified: YESTERDAY }));
    const options = { upstreams: [mirror.url], clock, dataDir: folder.path };
    await using proxy = await TestProxy.start(options);
    assertEquals(await ask(proxy), "MISS hello");
  }
  // Counts connections, not requests.
  const origin = new RawOrigin(() => {}, { resets: true });
  const upstreams = [{ server: origin.url, "allow-methods": ["POST"] }];
  const config = { cache: { offline: true, ...cache } };
  const proxy = await TestProxy.start({ upstreams, clock, config, dataDir: folder.path });
  return {
    proxy,
    origin,
    clock,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

Deno.test("what is stored is served, old or not, and nobody is asked", async () => {
  await using held = await offline();
  assertEquals(await ask(held.proxy), "HIT hello");
  held.clock.advance(3 * HOUR);
  const { response, text } = await held.proxy.get("/x");
  assertEquals([text, response.headers.get("x-cache")], ["hello", "STALE"]);
  assertStringIncludes(response.headers.get("cache-status") ?? "", "hit; ttl=-7200");
  const table: [init: RequestInit, status: number, text: string][] = [
    [{ method: "HEAD" }, 200, ""],
    [{ headers: { range: "bytes=1-2" } }, 206, "el"],
    [{ headers: { range: "bytes=9-" } }, 416, ""],
    [{ headers: { "if-none-match": '"v"' } }, 304, ""],
    [{ headers: { "cache-control": "no-cache" } }, 200, "hello"],
  ];
  for (const [init, status, expected] of table) {
    const answer = await held.proxy.get("/x", init);
    assertEquals([answer.response.status, answer.text], [status, expected]);
    assertEquals(answer.response.headers.get("x-cache"), "STALE");
  }
  assertEquals(held.origin.asked.count, 0);
});

Deno.test("everything else is 504 in clear words", async () => {
  await using held = await offline();
  for (const method of ["GET", "HEAD", "POST", "PUT"]) {
    const { response, text } = await held.proxy.get("/y", { method });
    assertEquals(response.status, 504, method);
    if (method !== "HEAD") assertMatch(text, /the proxy is offline/i);
  }
  const part = await held.proxy.get("/y", { headers: { range: "bytes=0-1" } });
  assertEquals(part.response.status, 504);
  assertEquals(part.response.headers.get("cache-status"), "cache-proxy; detail=offline");
  assertEquals(held.origin.asked.count, 0);
});

Deno.test("no policy and no client makes it ask", async () => {
  await using held = await offline({
    "client-directives": "honour",
    "stale-while-revalidate": "1d",
    "stale-if-error": "never",
  });
  held.clock.advance(2 * HOUR);
  for (const directive of ["", "no-cache", "max-age=0", "only-if-cached", "no-store"]) {
    const headers = { "cache-control": directive };
    const { response, text } = await held.proxy.get("/x", { headers });
    assertEquals([text, response.headers.get("x-cache")], ["hello", "STALE"], directive);
  }
  await held.proxy.settled();
  assertEquals(held.origin.asked.count, 0);
});

Deno.test("a file that is put into the tree is served", async () => {
  await using held = await offline();
  await Deno.writeTextFile(held.proxy.file("by-hand"), "by hand");
  const { response, text } = await held.proxy.get("/by-hand");
  assertEquals([response.status, text], [200, "by hand"]);
  await Deno.remove(held.proxy.file("x"));
  assertEquals((await held.proxy.get("/x")).response.status, 504);
});

Deno.test("a 404 is not remembered into the time without a mirror", async () => {
  // Offline beats what was remembered, since that is about mirrors that nobody may ask.
  await using mirror = new Origin(statusAnswer(404));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({ upstreams: [mirror.url], clock });
  assertEquals(await ask(proxy, "/y"), "404");
  proxy.reload({ upstreams: [mirror.url], config: { cache: { offline: true } } });
  assertEquals(await ask(proxy, "/y"), "504");
  proxy.reload({ upstreams: [mirror.url] });
  assertEquals([await ask(proxy, "/y"), mirror.seen.length], ["404", 2]);
});
