import { assertEquals } from "@std/assert";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { bytesOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const HOUR = 3_600_000;
const FACTS = { lastModified: NOON - HOUR };

/** X-Cache, Cache-Status and Age of an answer. */
function results({ headers }: Response): (string | null)[] {
  return [headers.get("x-cache"), headers.get("cache-status"), headers.get("age")];
}

function range(range: string): RequestInit {
  return { headers: { range } };
}

async function toyProxy(origin: Origin, clock = new ManualClock(NOON)) {
  const upstreams = [{ server: origin.url, name: "toy" }];
  return { clock, proxy: await TestProxy.start({ upstreams, clock }) };
}

Deno.test("X-Cache and Cache-Status: MISS, HIT, REVALIDATED, changed MISS, STALE", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  const { clock, proxy } = await toyProxy(origin);
  await using _ = proxy;
  const ask = async (method = "GET") => {
    const { response } = await proxy.get("/x", { method });
    await proxy.settled();
    return results(response);
  };
  assertEquals(await ask(), ["MISS", 'cache-proxy; fwd=uri-miss; stored; detail="toy"', null]);
  clock.advance(HOUR - 1);
  assertEquals(await ask(), ["HIT", 'cache-proxy; hit; ttl=0; detail="toy"', "3599"]);
  clock.advance(1);
  const revalidated = ["REVALIDATED", 'cache-proxy; fwd=stale; fwd-status=304; detail="toy"', "0"];
  assertEquals(await ask(), revalidated);
  assertEquals(await ask(), ["HIT", 'cache-proxy; hit; ttl=3600; detail="toy"', "0"]);
  clock.advance(HOUR);
  assertEquals(await ask("HEAD"), revalidated);
  clock.advance(HOUR);
  origin.answer = fileAnswer("newer", { lastModified: NOON });
  assertEquals(await ask(), ["MISS", 'cache-proxy; fwd=stale; stored; detail="toy"', null]);
  clock.advance(HOUR + 5000);
  origin.answer = statusAnswer(500);
  for (const method of ["GET", "HEAD"]) {
    assertEquals(await ask(method), ["STALE", 'cache-proxy; hit; ttl=-5; detail="toy"', "3605"]);
  }
});

Deno.test("X-Cache and Cache-Status: JOINED", async () => {
  const body = new GatedBody([bytesOf("hel"), bytesOf("lo")]);
  await using origin = new Origin(() => new Response(body.stream));
  const { proxy } = await toyProxy(origin);
  await using _ = proxy;
  const leader = await proxy.fetch("/x");
  const joiners = [await proxy.fetch("/x"), await proxy.fetch("/x", range("bytes=0-1"))];
  const head = await proxy.fetch("/x", { method: "HEAD" });
  body.release();
  assertEquals([await leader.text(), results(leader)[0]], ["hello", "MISS"]);
  const status = 'cache-proxy; fwd=uri-miss; collapsed; detail="toy"';
  for (const joiner of joiners) assertEquals(results(joiner), ["JOINED", status, null]);
  assertEquals(await Promise.all(joiners.map((joiner) => joiner.text())), ["hello", "he"]);
  assertEquals([results(head)[0], await head.text()], ["MISS", ""]);
  assertEquals(origin.seen.length, 1);
});

Deno.test("X-Cache and Cache-Status: BYPASS", async () => {
  await using origin = new Origin(fileAnswer("hello", { headers: { vary: "*" } }));
  const { proxy } = await toyProxy(origin);
  await using _ = proxy;
  for (let again = 0; again < 2; again++) {
    const { response, text } = await proxy.get("/x");
    assertEquals(text, "hello");
    assertEquals(results(response), ["BYPASS", 'cache-proxy; fwd=uri-miss; detail="toy"', null]);
    assertEquals(response.headers.get("accept-ranges"), null);
  }
  await proxy.assertNothingStored();
});

Deno.test("HEAD of what is not stored asks for the head alone, and describes what GET would get", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  const { proxy } = await toyProxy(origin);
  await using _ = proxy;
  const head = await proxy.get("/x", { method: "HEAD" });
  assertEquals([origin.count("HEAD"), origin.count("GET")], [1, 0]);
  await proxy.assertNothingStored();
  const get = await proxy.get("/x");
  const fields = ({ headers }: Response) =>
    [...headers].filter(([name]) => !["date", "cache-status"].includes(name));
  assertEquals(fields(head.response), fields(get.response));
});

Deno.test("a miss without any upstream for the path is 404 without a look anywhere", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, path: { match: "^/debian/" } }],
  });
  for (const method of ["GET", "HEAD"]) {
    assertEquals((await proxy.get("/ubuntu/x", { method })).response.status, 404);
  }
  assertEquals(origin.seen, []);
});
