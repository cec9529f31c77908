import { assertEquals, assertStringIncludes } from "@std/assert";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { fileAnswer, statusAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const ANY = { checkers: [{ "status-codes": "any" }] };

/** Not all that there are: 206 and 304 were not asked for. */
const STATUSES = [201, 202, 203, 204, 300, 301, 302, 307, 400, 401, 403, 404, 410, 418, 429, 500];

const withFields: Answerer = ({ target }) => {
  const status = Number(target.slice(1));
  const headers = new Headers({
    location: "/elsewhere",
    "retry-after": "7",
    "www-authenticate": "Basic",
    "cache-control": "max-age=99",
    connection: "x-hop",
    "x-hop": "secret",
  });
  headers.append("set-cookie", "a=1");
  headers.append("set-cookie", "b=2");
  return new Response(status === 204 ? null : `body of ${status}`, { status, headers });
};

Deno.test("every final answer is passed with its fields, and only 200 is stored", async () => {
  await using origin = new Origin(withFields);
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, ...ANY }] });
  for (const status of STATUSES) {
    for (let round = 1; round <= 2; round++) {
      const { response, text } = await proxy.get(`/${status}`, { redirect: "manual" });
      assertEquals([response.status, text], [status, status === 204 ? "" : `body of ${status}`]);
      const names = ["location", "retry-after", "www-authenticate", "x-hop", "x-cache"];
      assertEquals(
        names.map((name) => response.headers.get(name)),
        ["/elsewhere", "7", "Basic", null, "BYPASS"],
      );
      assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
      assertEquals(origin.count("GET", `/${status}`), round);
    }
  }
  await proxy.assertNothingStored();
  assertEquals((await proxy.get("/200")).response.headers.get("x-cache"), "MISS");
  await proxy.settled();
  const { response } = await proxy.get("/200");
  assertEquals(response.headers.get("x-cache"), "HIT");
  assertEquals([response.headers.getSetCookie(), proxy.storedKeys()], [[], ["/200"]]);
});

Deno.test("HEAD has the status and the fields of the GET, ranges and conditions do not count", async () => {
  await using origin = new Origin(withFields);
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, ...ANY }] });
  for (const status of [301, 404, 500]) {
    const head = await proxy.get(`/${status}`, { method: "HEAD", redirect: "manual" });
    assertEquals([head.response.status, head.text], [status, ""]);
    assertEquals(head.response.headers.get("retry-after"), "7");
    const headers = { range: "bytes=0-3", "if-modified-since": new Date(NOON).toUTCString() };
    const part = await proxy.get(`/${status}`, { headers, redirect: "manual" });
    assertEquals([part.response.status, part.text], [status, `body of ${status}`]);
  }
});

Deno.test("a redirect is followed where allowed-redirect says so, and passed elsewhere", async () => {
  await using cdn = new Origin(fileAnswer("from the CDN"));
  await using origin = new Origin(({ target }) => {
    const location = target === "/cdn" ? `${cdn.url}/file` : "/same-host";
    return new Response("moved", { status: 302, headers: { location } });
  });
  const pattern = `^${cdn.url.replaceAll(".", "\\.")}/`;
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, ...ANY, "allowed-redirect": pattern }],
  });
  assertEquals(await ask(proxy, "/cdn"), "MISS from the CDN");
  const { response, text } = await proxy.get("/other", { redirect: "manual" });
  assertEquals([response.status, text], [302, "moved"]);
  assertEquals(response.headers.get("location"), "/same-host");
  assertEquals(origin.seen.length, 2);
});

Deno.test("other conditions still count", async () => {
  await using origin = new Origin(withFields);
  const checkers = [{ "status-codes": "any", headers: [{ name: "x-good" }] }];
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, checkers }] });
  const { response, text } = await proxy.get("/404");
  assertEquals(response.status, 502);
  assertStringIncludes(text, "header x-good is missing");
});

Deno.test("the first answer wins, an error as well; silence and resets lose", async () => {
  await using origin = new Origin(statusAnswer(404, "no such file"));
  const dead = new Origin(statusAnswer(200));
  const { url } = dead;
  await dead[Symbol.asyncDispose]();
  await using proxy = await TestProxy.start({
    upstreams: [{ server: url, name: "dead", ...ANY }, { server: origin.url, ...ANY }],
  });
  const { response, text } = await proxy.get("/x");
  assertEquals([response.status, text], [404, "no such file"]);
  assertEquals((await proxy.get("/x")).response.headers.get("x-cache"), "BYPASS", "no negative");
});

Deno.test("an error passes by a stored copy, a server's error leaves the word to it", async () => {
  await using held = await stored({ upstreams: [] });
  await using proxy = await TestProxy.start({
    upstreams: [{ server: held.origin.url, ...ANY }],
    clock: held.clock,
  });
  assertEquals(await ask(proxy), "MISS hello");
  held.clock.advance(HOUR);
  held.origin.answer = statusAnswer(404);
  const { response } = await proxy.get("/x");
  assertEquals([response.status, response.headers.get("x-cache")], [404, "BYPASS"]);
  for (const status of [500, 502, 503, 504]) {
    held.origin.answer = statusAnswer(status);
    assertEquals(await ask(proxy), "STALE hello", `${status}`);
  }
  held.origin.answer = fileAnswer("hello", { lastModified: YESTERDAY });
  assertEquals(await ask(proxy), "REVALIDATED hello");
});

Deno.test("many clients at once get an answer each, since none is stored", async () => {
  await using origin = new Origin(statusAnswer(404, "none"));
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, ...ANY }] });
  const answers = await Promise.all(Array.from({ length: 30 }, () => proxy.get("/x")));
  for (const { response, text } of answers) assertEquals([response.status, text], [404, "none"]);
  await proxy.assertNothingStored();
});
