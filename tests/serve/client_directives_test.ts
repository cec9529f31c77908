import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import type { TestProxy } from "../support/test_proxy.ts";

const HONOUR = { cache: { "client-directives": "honour" } };

async function askWith(proxy: TestProxy, cacheControl: string, path = "/x"): Promise<string> {
  const { response, text } = await proxy.get(path, { headers: { "cache-control": cacheControl } });
  await proxy.settled();
  const result = response.headers.get("x-cache");
  return response.status === 200 ? `${result} ${text}` : `${response.status} ${result}`;
}

Deno.test("by default nothing that clients ask for counts", async () => {
  for (const config of [{}, { cache: { "client-directives": "ignore" } }]) {
    await using held = await stored({ config });
    held.clock.advance(HOUR - 1);
    const directives = ["no-cache", "no-store", "max-age=0", "min-fresh=9999", "only-if-cached"];
    for (const directive of directives) {
      assertEquals(await askWith(held.proxy, directive), "HIT hello", directive);
    }
    const pragma = await held.proxy.get("/x", { headers: { pragma: "no-cache" } });
    assertEquals(pragma.response.headers.get("x-cache"), "HIT");
    assertEquals(held.origin.seen.length, 0);
    assertEquals(await askWith(held.proxy, "only-if-cached", "/y"), "MISS hello");
    assertEquals(await askWith(held.proxy, "no-store", "/z"), "MISS hello");
    held.clock.advance(1);
    assertEquals(await askWith(held.proxy, "max-stale"), "REVALIDATED hello");
    assertEquals(held.proxy.storedKeys(), ["/x", "/y", "/z"]);
  }
});

/** Seconds after which the copy is asked for; it is fresh for an hour. */
const TABLE: [directive: string, ageS: number, expected: string][] = [
  ["no-cache", 0, "REVALIDATED hello"],
  ["No-Cache", 0, "REVALIDATED hello"],
  ["max-age=60", 60, "HIT hello"],
  ["max-age=60", 61, "REVALIDATED hello"],
  ["max-age=0", 1, "REVALIDATED hello"],
  ["max-age=nonsense", 1, "REVALIDATED hello"],
  ["max-age=99999", 3600, "REVALIDATED hello"],
  ["min-fresh=60", 3540, "HIT hello"],
  ["min-fresh=60", 3541, "REVALIDATED hello"],
  ["max-stale", 99_999, "STALE hello"],
  ["max-stale=60", 3660, "STALE hello"],
  ["max-stale=60", 3661, "REVALIDATED hello"],
  ["max-stale=60, max-age=10", 11, "REVALIDATED hello"],
  ["max-stale, only-if-cached", 99_999, "STALE hello"],
  ["only-if-cached", 3599, "HIT hello"],
  ["only-if-cached", 3600, "504 MISS"],
  ["only-if-cached, max-age=5", 6, "504 MISS"],
  ["no-store", 3599, "HIT hello"],
  ["no-store", 3600, "REVALIDATED hello"],
  ["no-transform", 3599, "HIT hello"],
];

Deno.test("honoured directives decide whether a copy is asked about", async () => {
  for (const [directive, ageS, expected] of TABLE) {
    await using held = await stored({ config: HONOUR });
    held.clock.advance(ageS * 1000);
    assertEquals(await askWith(held.proxy, directive), expected, `${directive} at ${ageS} s`);
    const asked = expected.startsWith("REVALIDATED") ? 1 : 0;
    assertEquals(held.origin.seen.length, asked, `${directive} at ${ageS} s`);
  }
});

Deno.test("Pragma: no-cache counts where there is no Cache-Control", async () => {
  await using held = await stored({ config: HONOUR });
  const table: [headers: Record<string, string>, expected: string][] = [
    [{ pragma: "no-cache" }, "REVALIDATED"],
    [{ pragma: "no-cache", "cache-control": "max-age=60" }, "HIT"],
  ];
  for (const [headers, expected] of table) {
    const { response } = await held.proxy.get("/x", { headers });
    assertEquals(response.headers.get("x-cache"), expected);
  }
});

Deno.test("only-if-cached for what is not stored is 504 in clear words", async () => {
  await using held = await stored({ config: HONOUR });
  for (const method of ["GET", "HEAD"]) {
    const headers = { "cache-control": "only-if-cached" };
    const { response, text } = await held.proxy.get("/y", { method, headers });
    assertEquals(response.status, 504);
    assertEquals(
      response.headers.get("cache-status"),
      "cache-proxy; detail=only-if-cached",
    );
    if (method === "GET") assertStringIncludes(text, "only-if-cached");
  }
  assertEquals(held.origin.seen.length, 0);
});

Deno.test("no-store keeps the answer from being stored, for this client alone", async () => {
  await using held = await stored({ config: HONOUR });
  for (let round = 1; round <= 2; round++) {
    assertEquals(await askWith(held.proxy, "no-store", "/y"), "BYPASS hello");
    assertEquals(held.origin.seen.length, round);
  }
  assertEquals(held.proxy.storedKeys(), ["/x"]);
  // A newer version passes by; the copy stays as it is.
  held.clock.advance(HOUR);
  held.origin.answer = fileAnswer("newer", { lastModified: NOON });
  assertEquals(await askWith(held.proxy, "no-store"), "BYPASS newer");
  assertEquals(await Deno.readTextFile(held.proxy.file("x")), "hello");
  assertEquals(await ask(held.proxy), "MISS newer");
  const range = { range: "bytes=1-2", "cache-control": "no-store" };
  const part = await held.proxy.get("/z", { headers: range });
  assertEquals([part.response.status, part.text], [200, "newer"]);
});

Deno.test("no-cache brings the newer version, and the copy where the mirrors fail", async () => {
  await using held = await stored({ config: HONOUR });
  held.origin.answer = fileAnswer("newer", { lastModified: NOON });
  assertEquals(await ask(held.proxy), "HIT hello");
  assertEquals(await askWith(held.proxy, "max-age=0"), "HIT hello", "it is no second old");
  assertEquals(await askWith(held.proxy, "no-cache"), "MISS newer");
  held.clock.advance(1000);
  held.origin.answer = statusAnswer(500);
  // RFC 9111 section 4.2.4: what must be validated is not served without; what is too old may be.
  assertEquals(await askWith(held.proxy, "no-cache"), "502 MISS");
  assertEquals(await askWith(held.proxy, "max-age=0"), "STALE newer");
  assertEquals(await ask(held.proxy), "HIT newer");
});

Deno.test("no-cache and max-age=0 ask again for what no mirror had", async () => {
  await using held = await stored({ config: HONOUR });
  held.origin.answer = statusAnswer(404);
  for (const directive of ["", "min-fresh=1", "max-age=5"]) {
    const { response } = await held.proxy.get("/y", { headers: { "cache-control": directive } });
    assertEquals(response.status, 404);
  }
  assertEquals(held.origin.seen.length, 1);
  held.origin.answer = fileAnswer("there", { lastModified: YESTERDAY });
  assertEquals(await askWith(held.proxy, "no-cache", "/y"), "MISS there");
  assertEquals(await ask(held.proxy, "/y"), "HIT there");
});

Deno.test("a client that wants it fresh waits, though stale-while-revalidate is on", async () => {
  const cache = { ...HONOUR.cache, "stale-while-revalidate": "1d" };
  await using held = await stored({ config: { cache } });
  held.clock.advance(HOUR);
  assertEquals(await askWith(held.proxy, "max-age=60"), "REVALIDATED hello");
  held.clock.advance(HOUR);
  assertEquals(await askWith(held.proxy, "only-if-cached"), "504 MISS");
  assertEquals(await askWith(held.proxy, "no-transform"), "STALE hello");
});
