import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const FACTS = { etag: '"v1"', lastModified: NOON - 86_400_000 };
const BEFORE = "Wed, 14 Jan 2026 11:59:59 GMT";
const EXACTLY = "Wed, 14 Jan 2026 12:00:00 GMT";

const TABLE: [headers: Record<string, string>, status: number][] = [
  [{ "if-none-match": '"v1"' }, 304],
  [{ "if-none-match": 'W/"v1"' }, 304],
  [{ "if-none-match": '"v0", "v1"' }, 304],
  [{ "if-none-match": "*" }, 304],
  [{ "if-none-match": '"v2"' }, 200],
  [{ "if-modified-since": EXACTLY }, 304],
  [{ "if-modified-since": BEFORE }, 200],
  [{ "if-none-match": '"v2"', "if-modified-since": EXACTLY }, 200],
  [{ "if-none-match": '"v1"', "if-modified-since": BEFORE }, 304],
  [{ "if-match": '"v1"' }, 200],
  [{ "if-match": '"v2"' }, 412],
  [{ "if-unmodified-since": EXACTLY }, 200],
  [{ "if-unmodified-since": BEFORE }, 412],
  [{ "if-none-match": '"v1"', range: "bytes=90-" }, 304],
  [{ "if-match": '"v2"', range: "bytes=90-" }, 412],
];

for (const state of ["stored", "missing"] as const) {
  for (const method of ["GET", "HEAD"]) {
    Deno.test(`conditions of a ${method} for a file that is ${state}`, async () => {
      await using origin = new Origin(fileAnswer("hello", FACTS));
      const clock = new ManualClock(NOON);
      await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
      if (state === "stored") await proxy.get("/0");
      await proxy.settled();
      for (const [index, [headers, status]] of TABLE.entries()) {
        const path = state === "stored" ? "/0" : `/${index}`;
        const { response, text } = await proxy.get(path, { method, headers });
        const body = status === 200 && method === "GET" ? "hello" : "";
        assertEquals([response.status, text], [status, body], JSON.stringify(headers));
        assertEquals(response.headers.get("via"), "1.1 cache-proxy");
        assertEquals(response.headers.get("x-cache"), state === "stored" ? "HIT" : "MISS");
        if (status === 412) continue;
        assertEquals(response.headers.get("etag"), '"v1"');
        assertEquals(response.headers.get("last-modified"), EXACTLY);
      }
      // What a client asks is no business of the mirror's.
      for (const { headers } of origin.seen) {
        for (const name of ["if-none-match", "if-modified-since", "if-match", "range"]) {
          assertEquals(headers.get(name), null);
        }
      }
    });
  }
}

Deno.test("304 comes from memory: it needs no file", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/x");
  await proxy.settled();
  await Deno.remove(proxy.file("x"));
  const headers = { "if-none-match": '"v1"' };
  assertEquals((await proxy.get("/x", { headers })).response.status, 304);
  assertEquals(origin.count("GET"), 1);
});

Deno.test("a client that knows the file fills the cache all the same", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const headers = { "if-none-match": '"v1"' };
  assertEquals((await proxy.get("/x", { headers })).response.status, 304);
  await proxy.settled();
  assertEquals((await proxy.get("/x")).response.headers.get("x-cache"), "HIT");
});
