import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HandFedBody, readSome, textOf } from "../support/body.ts";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { NOON } from "../support/facts.ts";
import { Gate, settle } from "../support/gate.ts";
import { LargeBody } from "../support/large_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Answerer, Origin, RawOrigin } from "../support/origin.ts";
import { RawClient, rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

const METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PURGE"];

/** The first mirror's config entry. */
function taking(server: string, facts: Record<string, unknown> = {}): Record<string, unknown> {
  return { server, name: "first", "allow-methods": METHODS, ...facts };
}

async function start(
  origin: { readonly url: string },
  facts: Record<string, unknown> = {},
  config: Record<string, unknown> = {},
  clock?: ManualClock,
): Promise<TestProxy> {
  const upstreams = [taking(origin.url, facts)];
  return await TestProxy.start({ upstreams, config, ...clock === undefined ? {} : { clock } });
}

/** Tells what it was sent: method, target, framing and body. */
const echo: Answerer = async ({ method, target, headers }, request) => {
  const length = headers.get("content-length");
  const framing = headers.get("transfer-encoding") ?? (length === null ? "none" : length);
  return new Response(`${method} ${target} ${framing} ${await request.text()}`);
};

Deno.test("method, path, query and a small body with its length reach the mirror", async () => {
  await using origin = new Origin(echo);
  await using proxy = await start(origin, { path: { match: "^/api/", replace: "/v2/" } });
  const table: [method: string, path: string, body: string | null, expected: string][] = [
    ["POST", "/api/a", "hello", "POST /v2/a 5 hello"],
    ["POST", "/api/a?b=%2B&c=d+e", "hello", "POST /v2/a?b=%2B&c=d+e 5 hello"],
    ["POST", "/api/a", "", "POST /v2/a 0 "],
    ["PUT", "/api/a%2Fb", "x".repeat(70_000), `PUT /v2/a%2Fb 70000 ${"x".repeat(70_000)}`],
    ["PATCH", "/api/a", "{}", "PATCH /v2/a 2 {}"],
    ["DELETE", "/api/a", null, "DELETE /v2/a none "],
    ["OPTIONS", "/api/", null, "OPTIONS /v2/ none "],
    ["PROPFIND", "/api/a", null, "PROPFIND /v2/a none "],
    ["PURGE", "/api/a", null, "PURGE /v2/a none "],
  ];
  for (const [method, path, body, expected] of table) {
    const { response, text } = await proxy.get(path, { method, body });
    assertEquals([response.status, text], [200, expected]);
    assertEquals(response.headers.get("x-cache"), "BYPASS");
    assertEquals(response.headers.get("cache-status"), "cache-proxy; fwd=method");
    assertEquals(response.headers.get("via"), "1.1 cache-proxy");
  }
  await proxy.assertNothingStored();
});

Deno.test("a body of unknown length goes on in chunks, an empty one with its length", async () => {
  await using origin = new Origin(echo);
  await using proxy = await start(origin);
  const send = async (body: ReadableStream<Uint8Array>): Promise<string> =>
    (await proxy.get("/x", { method: "POST", body })).text;
  const hello = (): ReadableStream<Uint8Array> => new Blob(["hello ", "world"]).stream();
  assertEquals(await send(hello()), "POST /x chunked hello world");
  assertEquals(await send(new Blob([]).stream()), "POST /x 0 ");
});

Deno.test("a large body streams through: no more of it is taken than the mirror takes", async () => {
  const large = new LargeBody(64 * 1024 * 1024);
  const gate = new Gate();
  const comparison = large.comparison();
  await using origin = new Origin(async ({ headers }, request) => {
    await gate.opened;
    for await (const piece of request.body ?? []) comparison.next(piece);
    comparison.end();
    return new Response(headers.get("transfer-encoding"));
  });
  await using proxy = await start(origin);
  let sent = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, into): void {
      sent += piece.byteLength;
      into.enqueue(piece);
    },
  });
  const body = large.stream().pipeThrough(counted);
  const asking = proxy.get("/x", { method: "POST", body });
  await origin.asked.reaches(1);
  // Until nothing moves any more: what is on its way are the buffers of four sockets and ours.
  for (let before = -1; sent !== before;) {
    before = sent;
    for (let turn = 0; turn < 5; turn++) await settle();
  }
  assert(sent < large.size / 2, `${sent} bytes were taken`);
  gate.open();
  assertEquals((await asking).text, "chunked");
});

Deno.test("who waits for 100 Continue gets it, unless the method is refused", async () => {
  await using origin = new Origin(echo);
  await using proxy = await start(origin);
  using client = await RawClient.connect(proxy.port);
  const head = ["Host: cache", "Expect: 100-continue", "Content-Length: 7"];
  await client.send("POST /x HTTP/1.1", ...head);
  assertEquals(textOf(await client.receive(25)), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.send("hel");
  const answer = textOf(await client.receive(100));
  assertStringIncludes(answer, "HTTP/1.1 200 OK\r\n");
  assertStringIncludes(answer, "POST /x 7 hel\r\n\r\n");
  using refused = await RawClient.connect(proxy.port);
  await refused.send("LOCK /x HTTP/1.1", ...head);
  assertStringIncludes(textOf(await refused.receive(25)), "HTTP/1.1 405 ");
});

Deno.test("the client's fields and credentials pass, the mirror's own win, hop-by-hop ones stay", async () => {
  await using origin = new Origin(echo);
  await using proxy = await start(origin);
  const own = { authorization: "Bearer own", "x-own": "own" };
  await using other = await start(origin, { headers: own });
  const headers = {
    authorization: "Basic Y2xpZW50",
    cookie: "a=1; b=2",
    accept: "application/json",
    "content-type": "text/x-test",
    "user-agent": "client/1",
    "cache-control": "no-store",
    "x-own": "client",
    "if-match": '"v1"',
    "x-hop": "secret",
    te: "trailers",
  };
  const raw = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  for (const { port } of [proxy, other]) {
    const lines = ["POST /x HTTP/1.1", "Host: cache", ...raw, "Content-Length: 0"];
    const answer = await rawRequest(port, ...lines, "Connection: x-hop");
    assertEquals(answer.status, 200);
  }
  const [first, second] = origin.seen.map((seen) => Object.fromEntries(seen.headers));
  const { "x-hop": _, te: __, ...endToEnd } = headers;
  assert(first !== undefined && second !== undefined);
  assertEquals({ ...first, ...endToEnd }, first);
  assertEquals({ ...second, ...endToEnd, ...own }, second);
  for (const seen of [first, second]) {
    assertEquals([seen["x-hop"], seen["te"]], [undefined, undefined]);
    assertEquals(seen["host"], new URL(origin.url).host);
    assertEquals(seen["accept-encoding"], "identity");
  }
});

Deno.test("status, fields, cookies and redirects come back as they are", async () => {
  await using origin = new Origin(({ target }) => {
    const status = Number(target.slice(1));
    const headers = new Headers({
      "x-test": "yes",
      location: "/elsewhere",
      etag: '"v1"',
      "last-modified": formatHttpDate(NOON),
      "cache-control": "max-age=5",
      date: formatHttpDate(NOON),
      "www-authenticate": "Basic",
      connection: "x-hop",
      "x-hop": "secret",
    });
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2");
    const isEmpty = [204, 205, 304].includes(status);
    return new Response(isEmpty ? null : `body of ${status}`, { status, headers });
  });
  await using proxy = await start(origin, { "allowed-redirect": "." });
  for (const status of [200, 201, 204, 205, 206, 301, 303, 304, 307, 401, 404, 409, 500, 503]) {
    const { response, text } = await proxy.get(`/${status}`, {
      method: "POST",
      redirect: "manual",
    });
    const isEmpty = [204, 205, 304].includes(status);
    assertEquals([response.status, text], [status, isEmpty ? "" : `body of ${status}`]);
    assertEquals(response.headers.getSetCookie(), ["a=1; Path=/", "b=2"]);
    const names = ["x-test", "location", "etag", "last-modified", "date", "x-hop"];
    assertEquals(
      names.map((name) => response.headers.get(name)),
      ["yes", "/elsewhere", '"v1"', formatHttpDate(NOON), formatHttpDate(NOON), null],
    );
  }
  await proxy.assertNothingStored();
});

Deno.test("the answer comes as it is sent, and breaks where the mirror breaks it off", async () => {
  const body = new HandFedBody();
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await start(origin);
  const response = await proxy.fetch("/x", { method: "POST", body: "go" });
  const reader = response.body?.getReader();
  assert(reader !== undefined);
  for (const piece of ["one", "two"]) {
    body.give(piece);
    assertEquals(textOf(await readSome(reader, 3)), piece);
  }
  body.fail(new Error("by the test"));
  await assertRejects(() => reader.read());
});

Deno.test("an answer that is shorter than declared breaks the client's transfer", async () => {
  await using origin = new RawOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  });
  await using proxy = await start(origin);
  const response = await proxy.fetch("/x", { method: "DELETE" });
  assertEquals(response.headers.get("content-length"), "10");
  await assertRejects(() => response.text());
});

Deno.test("the best candidate that takes the method gets it, and nobody else", async () => {
  await using low = new Origin(echo);
  await using high = new Origin(echo);
  await using highest = new Origin(echo);
  const priority = (value: number) => [{ match: "^/x", priority: value }];
  await using proxy = await TestProxy.start({
    upstreams: [
      taking(low.url),
      { ...taking(high.url), name: "high", "priority-groups": priority(5) },
      { server: highest.url, name: "highest", "priority-groups": priority(9) },
    ],
  });
  assertEquals((await proxy.get("/x", { method: "POST" })).text, "POST /x 0 ");
  assertEquals([low, high, highest].map(({ seen }) => seen.length), [0, 1, 0]);
  assertEquals((await proxy.get("/y", { method: "POST" })).text, "POST /y 0 ");
  assertEquals([low, high, highest].map(({ seen }) => seen.length), [1, 1, 0]);
});

Deno.test("a method that no candidate of the path takes is 405 with those that are", async () => {
  await using origin = new Origin(echo);
  const only = (path: string, ...methods: string[]) => ({
    ...taking(origin.url, { path: { match: `^/${path}/` }, "allow-methods": methods }),
    name: path,
  });
  await using proxy = await TestProxy.start({
    upstreams: [only("a", "POST", "PUT"), only("b", "DELETE"), only("b|c", "post", "DELETE")],
  });
  const table: [method: string, path: string, allow: string][] = [
    ["DELETE", "/a/x", "GET, HEAD, POST, PUT"],
    ["PUT", "/b/x", "GET, HEAD, DELETE, POST"],
    ["PATCH", "/c/x", "GET, HEAD, POST, DELETE"],
    ["POST", "/d/x", "GET, HEAD"],
  ];
  for (const [method, path, allow] of table) {
    const { response, text } = await proxy.get(path, { method, body: "hello" });
    assertEquals([response.status, response.headers.get("allow")], [405, allow], path);
    assertStringIncludes(text, method);
  }
  assertEquals(origin.seen.length, 0);
  assertEquals((await proxy.get("/b/x", { method: "POST" })).response.status, 200);
});

Deno.test("a method that is refused is refused before its body has come", async () => {
  await using origin = new Origin(echo);
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  using client = await RawClient.connect(proxy.port);
  await client.send("POST /x HTTP/1.1", "Host: cache", "Content-Length: 1000");
  assertStringIncludes(textOf(await client.receive(20)), "HTTP/1.1 405 ");
});

Deno.test("what fails is 502 with the reason, what is silent 504; nobody is asked twice", async () => {
  await using reset = new RawOrigin(() => {}, { resets: true });
  await using second = new Origin(echo);
  const clock = new ManualClock(NOON);
  const start = (server: string) =>
    TestProxy.start({
      upstreams: [taking(server), { ...taking(second.url), name: "second" }],
      clock,
    });
  {
    await using proxy = await start(reset.url);
    const { response, text } = await proxy.get("/x", { method: "POST", body: "hello" });
    assertEquals([response.status, response.headers.get("x-cache")], [502, "MISS"]);
    assertStringIncludes(text, "first: ");
    assertEquals([reset.asked.count, second.asked.count], [1, 0]);
  }
  const gate = new Gate();
  await using silent = new Origin(async () => {
    await gate.opened;
    return new Response();
  });
  await using proxy = await start(silent.url);
  const asking = proxy.get("/x", { method: "POST", body: "hello" });
  await silent.asked.reaches(1);
  clock.advance(10_000);
  const { response, text } = await asking;
  assertEquals(response.status, 504);
  assertStringIncludes(text, "first: silent for 10000 ms");
  assertEquals([silent.asked.count, second.asked.count], [1, 0]);
  gate.open();
});

Deno.test("the time to the head counts from the last progress of the body, and ends with it", async () => {
  const upload = new HandFedBody();
  const answer = new HandFedBody();
  const received: string[] = [];
  await using origin = new Origin(async (_, request) => {
    for await (const chunk of request.body ?? []) {
      received.push(textOf(chunk));
      origin.asked.up();
      if (received.length === 3) break;
    }
    return new Response(answer.stream);
  });
  const clock = new ManualClock(NOON);
  await using proxy = await start(origin, {}, { fetch: { "stall-timeout": "1h" } }, clock);
  const asking = proxy.fetch("/x", { method: "POST", body: upload.stream });
  for (const [at, piece] of ["one", "two", "three"].entries()) {
    upload.give(piece);
    await origin.asked.reaches(at + 2);
    // Together far over the ten seconds of `fetch.head-timeout`.
    if (piece !== "three") clock.advance(9_000);
  }
  const response = await asking;
  assertEquals([response.status, received], [200, ["one", "two", "three"]]);
  // From here on the pauses are those of a body.
  upload.give("four");
  upload.end();
  await settle();
  clock.advance(60_000);
  await settle();
  assertEquals(answer.cancelled, false);
  answer.give("answer");
  answer.end();
  assertEquals(await response.text(), "answer");
});

Deno.test("a client that leaves before the answer ends the mirror's request", async () => {
  for (const body of ["small", null]) {
    const closed = new Gate();
    await using origin = new RawOrigin(async (exchange) => {
      await exchange.closedByPeer();
      closed.open();
    });
    await using proxy = await start(origin, {}, { fetch: { "head-timeout": "1h" } });
    const leaving = new AbortController();
    const { signal } = leaving;
    const asking = proxy.fetch("/x", { method: "PURGE", body, signal }).catch(() => "left");
    await origin.asked.reaches(1);
    leaving.abort();
    assertEquals(await asking, "left");
    await closed.opened;
  }
});

Deno.test("a client that leaves in the middle of its body ends the mirror's request", async () => {
  const closed = new Gate();
  await using origin = new RawOrigin(async (exchange) => {
    await exchange.closedByPeer();
    closed.open();
  });
  await using proxy = await start(origin, {}, { fetch: { "head-timeout": "1h" } });
  const client = await RawClient.connect(proxy.port);
  await client.send("POST /x HTTP/1.1", "Host: cache", "Content-Length: 5000000");
  await client.send("begin");
  await origin.asked.reaches(1);
  client[Symbol.dispose]();
  await closed.opened;
});

Deno.test("a client that leaves in the middle of the answer ends the mirror's", async () => {
  const body = new HandFedBody();
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await start(origin, {}, { fetch: { "max-fills": 1 } });
  const response = await proxy.fetch("/x", { method: "POST", body: "go" });
  body.give("one");
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  while (!body.cancelled) {
    body.give("more");
    await settle();
  }
  // Its place is free again.
  origin.answer = echo;
  assertEquals((await proxy.get("/x", { method: "POST" })).text, "POST /x 0 ");
});

Deno.test("max-fills counts what is passed through", async () => {
  const gate = new Gate();
  await using origin = new Origin(async (seen, request) => {
    await gate.opened;
    return await echo(seen, request);
  });
  await using proxy = await start(origin, {}, { fetch: { "max-fills": 1 } });
  const first = proxy.get("/x", { method: "POST", body: "one" });
  await origin.asked.reaches(1);
  const { response } = await proxy.get("/y", { method: "POST", body: "two" });
  assertEquals([response.status, response.headers.get("retry-after")], [503, "5"]);
  gate.open();
  assertEquals((await first).text, "POST /x 3 one");
  assertEquals((await proxy.get("/y", { method: "POST", body: "two" })).text, "POST /y 3 two");
});

Deno.test("a loop ends, and the way that a request has come goes along", async () => {
  await using origin = new Origin(echo);
  await using inner = await start(origin);
  await using outer = await start({ url: inner.url });
  assertEquals((await outer.get("/x", { method: "POST" })).text, "POST /x 0 ");
  const via = origin.seen[0]?.headers.get("via") ?? "";
  const names = via.split(", ");
  assertEquals([names.length, new Set(names).size], [2, 2]);
  assert(names.every((name) => /^1\.1 cache-proxy-[0-9a-f]{8}$/.test(name)), via);
  const headers = { via };
  for (const proxy of [inner, outer]) {
    assertEquals((await proxy.get("/x", { method: "POST", headers })).response.status, 508);
  }
});

Deno.test("a shutdown cuts what is passed through", async () => {
  const gate = new Gate();
  await using origin = new Origin(async () => {
    await gate.opened;
    return new Response();
  });
  const proxy = await start(origin);
  const asking = proxy.get("/x", { method: "POST" })
    .then(({ response }) => response.status, () => "broken");
  await origin.asked.reaches(1);
  await proxy[Symbol.asyncDispose]();
  assert([502, "broken"].includes(await asking));
  gate.open();
});

Deno.test("a status that is none is the mirror's failure", async () => {
  await using origin = new RawOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nno");
  });
  const checkers = [{ "status-codes": "any" }];
  await using proxy = await start(origin, { checkers }, { fetch: { "max-fills": 1 } });
  for (const method of ["POST", "GET", "HEAD"]) {
    const { response, text } = await proxy.get("/x", { method });
    assertEquals(response.status, 502);
    if (method !== "HEAD") assertStringIncludes(text, "first: answered 999");
  }
});
