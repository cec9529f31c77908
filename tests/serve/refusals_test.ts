import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { textOf } from "../support/body.ts";
import { Gate } from "../support/gate.ts";
import { Origin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** A port that was free a moment ago: the proxy must be told its own before it has one. */
async function freePort(): Promise<number> {
  await using origin = new Origin(fileAnswer(""));
  return Number(new URL(origin.url).port);
}

Deno.test("methods other than GET and HEAD are refused with Allow", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]) {
    const { response, text } = await proxy.get("/x", { method });
    assertEquals([response.status, response.headers.get("allow")], [405, "GET, HEAD"], method);
    assertStringIncludes(text, "405 ");
  }
  const connect = await rawRequest(proxy.port, "CONNECT elsewhere:443 HTTP/1.1", "Host: elsewhere");
  assertEquals(connect.status, 405);
  assertEquals(origin.seen, []);
});

Deno.test("a target that is too long is refused with 414", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await proxy.get("/" + "a".repeat(8191))).response.status, 200);
  for (const target of ["/" + "a".repeat(8192), "/x?" + "a".repeat(8192)]) {
    assertEquals((await proxy.get(target)).response.status, 414);
  }
  assertEquals(origin.seen.length, 1);
});

Deno.test("a target in absolute form is served for our own hosts and the upstreams' only", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const own = `127.0.0.1:${proxy.port}`;
  const upstream = new URL(origin.url).host;
  const table: [url: string, host: string, status: number][] = [
    [`http://${own}/x`, own, 200],
    [`http://localhost:${proxy.port}/x`, own, 200],
    [`http://${upstream}/x`, upstream, 200],
    [`http://${upstream}/x`, own, 200],
    ["http://elsewhere.test/x", own, 403],
    ["http://127.0.0.1.elsewhere.test/x", own, 403],
  ];
  for (const [url, host, status] of table) {
    const answer = await rawRequest(proxy.port, `GET ${url} HTTP/1.1`, `Host: ${host}`);
    assertEquals(answer.status, status, `${url} for ${host}`);
    if (status === 200) assertEquals(textOf(answer.body), "hello");
  }
  assertEquals(origin.count("GET"), 1);
});

Deno.test("FIELD: the proxy lists itself as a mirror: a request that comes back gets 508", async () => {
  const port = await freePort();
  await using proxy = await TestProxy.start({
    upstreams: [{ server: `http://127.0.0.1:${port}`, name: "self" }],
    config: { listen: { address: "127.0.0.1", port } },
  });
  assertEquals(proxy.port, port);
  const { response, text } = await proxy.get("/x");
  assertEquals(response.status, 502);
  assertStringIncludes(text, "self: answered 508");
  await proxy.assertNothingStored();
});

Deno.test("Via tells a loop from another cache-proxy in the chain", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/x");
  await proxy.settled();
  const mark = origin.seen[0]?.headers.get("via") ?? "";
  const table: [via: string, status: number][] = [
    ["1.1 cache-proxy", 508],
    ["1.0 fred, 1.1 cache-proxy", 508],
    ["1.1 cache-proxy (with a comment)", 508],
    [mark, 508],
    [`1.1 other, ${mark}, 1.1 last`, 508],
    ["1.1 cache-proxy-00000000", 200],
    ["1.1 my-cache-proxy", 200],
    ["1.1 squid, HTTP/2 varnish", 200],
    ["", 200],
  ];
  for (const [via, status] of table) {
    assertEquals((await proxy.get("/x", { headers: { via } })).response.status, status, via);
  }
});

Deno.test("one cache-proxy can stand behind another", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using back = await TestProxy.start({ upstreams: [origin.url] });
  await using front = await TestProxy.start({ upstreams: [back.url] });
  assertEquals((await front.get("/x")).text, "hello");
});

Deno.test("more fills than allowed are refused with Retry-After, hits and joiners are not", async () => {
  const gate = new Gate();
  await using origin = new Origin(async (seen, request) => {
    if (seen.target === "/held") await gate.opened;
    return await fileAnswer("hello")(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { fetch: { "max-fills": 1 } },
  });
  await proxy.get("/stored");
  await proxy.settled();
  const held = proxy.get("/held");
  await origin.asked.reaches(2);
  for (const method of ["GET", "HEAD"]) {
    const { response, text } = await proxy.get("/other", { method });
    assertEquals([response.status, response.headers.get("retry-after")], [503, "5"]);
    if (method === "GET") assertStringIncludes(text, "fetch.max-fills");
  }
  assertEquals((await proxy.get("/stored")).text, "hello");
  const joined = proxy.get("/held");
  gate.open();
  assertEquals([(await held).text, (await joined).text], ["hello", "hello"]);
  await proxy.settled();
  assertEquals((await proxy.get("/other")).text, "hello");
  assertEquals(origin.count("GET", "/held"), 1);
});
