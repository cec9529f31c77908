import { assertEquals, assertStringIncludes } from "@std/assert";
import { Guard } from "../../src/server/admin/guard.ts";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_request.ts";
import { TestProxy } from "../support/test_proxy.ts";

const TOKEN = "correct.horse-battery_staple";

/** Credentials that a browser might send, each of them wrong. */
const WRONG_BASIC: readonly string[] = [
  "",
  "=",
  btoa(TOKEN),
  btoa(`${TOKEN}:`),
  btoa(`admin:${TOKEN.slice(1)}`),
  btoa(`admin:${TOKEN}x`),
  btoa(`admin:x:${TOKEN}`),
  btoa(`admin:${TOKEN.toUpperCase()}`),
  `${btoa(`admin:${TOKEN}`)} x`,
];

async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  return response.status;
}

function bearer(token: string): RequestInit {
  return { headers: { authorization: `Bearer ${token}` } };
}

Deno.test("with a token every route but /healthz needs it, and the right one", async () => {
  await using origin = new Origin(statusAnswer(404));
  const config = { admin: { port: 0, token: TOKEN } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  const routes: [method: string, path: string][] = [
    ["GET", "/readyz"],
    ["GET", "/version"],
    ["GET", "/metrics"],
    ["GET", "/status"],
    ["GET", "/events"],
    ["POST", "/prefetch"],
    ["GET", "/catalog"],
    ["GET", "/openapi.json"],
    ["GET", "/history"],
    ["GET", "/"],
    ["GET", "/dashboard/app.js"],
    ["GET", "/log-level"],
    ["PUT", "/log-level"],
    ["GET", "/debug/cpu-profile"],
    ["GET", "/debug/heap-snapshot"],
    ["DELETE", "/cache?prefix=/"],
    ["DELETE", "/cache/file"],
    ["POST", "/refresh/file"],
    ["POST", "/verify"],
    ["GET", "/no-such-route"],
    ["POST", "/healthz"],
  ];
  for (const [method, path] of routes) {
    const url = proxy.adminUrl + path;
    for (const wrong of ["", TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()]) {
      assertEquals(await statusOf(url, { method, ...bearer(wrong) }), 401, `${method} ${path}`);
    }
    for (const wrong of WRONG_BASIC) {
      const headers = { authorization: `Basic ${wrong}`, "x-cache-proxy": "1" };
      assertEquals(await statusOf(url, { method, headers }), 401, `${method} ${path} ${wrong}`);
    }
    const right = { authorization: `Basic ${btoa(`anyone:${TOKEN}`)}`, "x-cache-proxy": "1" };
    for (const init of [bearer(TOKEN), { headers: right }]) {
      const allowed = await statusOf(url, { method, ...init });
      assertEquals([401, 403, 421].includes(allowed), false, `${method} ${path} gave ${allowed}`);
    }
  }
  assertEquals(await statusOf(`${proxy.adminUrl}/healthz`), 200);
  const refused = await fetch(`${proxy.adminUrl}/metrics`);
  assertEquals(
    refused.headers.get("www-authenticate"),
    `Bearer realm="cache-proxy", Basic realm="cache-proxy", charset="UTF-8"`,
  );
  assertEquals((await refused.text()).includes(TOKEN), false);
});

Deno.test("without a token only names of this machine are answered to", () => {
  const guard = new Guard(null);
  const examples: [host: string, status: number | undefined][] = [
    ["127.0.0.1:8882", undefined],
    ["127.9.9.9", undefined],
    ["localhost", undefined],
    ["LOCALHOST:1", undefined],
    ["admin.localhost:8882", undefined],
    ["[::1]:8882", undefined],
    ["rebound.example:8882", 421],
    ["127.0.0.1.example", 421],
    ["localhost.example", 421],
    ["10.0.0.1", 421],
    ["a@localhost", 421],
    ["", 421],
  ];
  for (const [host, status] of examples) {
    const request = new Request("http://127.0.0.1:8882/metrics", { headers: { host } });
    assertEquals(guard.refuse(request)?.status, status, host);
  }
});

Deno.test("without a token what changes something takes a field that no other page can send", () => {
  const guard = new Guard(null);
  const host = "127.0.0.1:8882";
  const meant = { "x-cache-proxy": "1" };
  const examples: [method: string, headers: Record<string, string>, status: number | undefined][] =
    [
      ["GET", {}, undefined],
      ["HEAD", { origin: "https://evil.example" }, undefined],
      ["DELETE", {}, 403],
      ["POST", { "content-type": "application/x-www-form-urlencoded" }, 403],
      ["POST", { origin: `http://${host}` }, 403],
      ["POST", meant, undefined],
      ["DELETE", { origin: `http://${host}`, ...meant }, undefined],
      ["DELETE", { origin: "https://evil.example", ...meant }, 403],
      ["DELETE", { origin: "http://127.0.0.1:8881", ...meant }, 403],
      ["DELETE", { origin: "null", ...meant }, 403],
    ];
  for (const [method, headers, status] of examples) {
    const request = new Request(`http://${host}/cache/a`, {
      method,
      headers: { host, ...headers },
    });
    const label = `${method} ${JSON.stringify(headers)}`;
    assertEquals(guard.refuse(request)?.status, status, label);
  }
});

Deno.test("what changes something takes the field with Basic too: browsers send that by themselves", () => {
  const guard = new Guard(TOKEN);
  const host = "cache.example:8882";
  const basic = { authorization: `Basic ${btoa(`:${TOKEN}`)}` };
  const meant = { ...basic, "x-cache-proxy": "1" };
  const examples: [method: string, headers: Record<string, string>, status: number | undefined][] =
    [
      ["GET", basic, undefined],
      ["DELETE", basic, 403],
      ["POST", { ...basic, origin: `http://${host}` }, 403],
      ["POST", { ...meant, origin: "https://evil.example" }, 403],
      ["POST", { ...meant, origin: `http://${host}` }, undefined],
      ["DELETE", meant, undefined],
      ["DELETE", { authorization: `Bearer ${TOKEN}` }, undefined],
      ["DELETE", { authorization: `bearer ${TOKEN}`, origin: "https://evil.example" }, undefined],
      [
        "DELETE",
        { authorization: `basic ${btoa(`user:${TOKEN}`)}`, "x-cache-proxy": "" },
        undefined,
      ],
    ];
  for (const [method, headers, status] of examples) {
    const request = new Request(`http://${host}/cache/a`, {
      method,
      headers: { host, ...headers },
    });
    const label = `${method} ${JSON.stringify(headers)}`;
    assertEquals(guard.refuse(request)?.status, status, label);
  }
});

Deno.test("the two challenges come in fields of their own, as browsers want them", async () => {
  await using origin = new Origin(statusAnswer(404));
  const config = { admin: { port: 0, token: TOKEN } };
  await using proxy = await TestProxy.start({ upstreams: [origin.url], config });
  const request = "GET / HTTP/1.1\r\nHost: cache.example\r\nConnection: close\r\n\r\n";
  const { status, head } = await rawRequest(Number(new URL(proxy.adminUrl).port), request);
  const challenges = head.split("\r\n").filter((line) => /^www-authenticate:/i.test(line));
  assertEquals(status, 401);
  assertEquals(challenges.map((line) => line.replace(/^.*?: /, "")), [
    `Bearer realm="cache-proxy"`,
    `Basic realm="cache-proxy", charset="UTF-8"`,
  ]);
});

Deno.test("a route that is not there is 404, a method that it does not take 405 with Allow", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const examples: [method: string, path: string, status: number, allow: string | null][] = [
    ["GET", "/dashboard/", 404, null],
    ["GET", "/dashboard/assets.ts", 404, null],
    ["POST", "/", 405, "GET, HEAD"],
    ["GET", "/healthz/", 404, null],
    ["GET", "/metricsx", 404, null],
    ["POST", "/metrics", 405, "GET, HEAD"],
    ["GET", "/cache", 405, "DELETE"],
    ["GET", "/refresh/a", 405, "POST"],
    ["PUT", "/cache/a", 405, "DELETE"],
    ["OPTIONS", "/cache/a", 405, "DELETE"],
  ];
  for (const [method, path, status, allow] of examples) {
    const headers = { "x-cache-proxy": "1" };
    const response = await fetch(proxy.adminUrl + path, { method, headers });
    const got = [response.status, response.headers.get("allow")];
    assertEquals(got, [status, allow], `${method} ${path}`);
    await response.body?.cancel();
  }
  assertEquals(origin.seen.length, 0, "no request of the admin listener goes to a mirror");
});

Deno.test("every answer forbids caching, guessing, framing and scripts", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const path of ["/healthz", "/readyz", "/metrics", "/catalog", "/nothing"]) {
    const { headers, body } = await fetch(proxy.adminUrl + path);
    await body?.cancel();
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertStringIncludes(headers.get("content-security-policy") ?? "", "default-src 'none'", path);
    assertEquals(headers.get("access-control-allow-origin"), null, path);
  }
  const head = await fetch(`${proxy.adminUrl}/version`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
});

Deno.test("the clients' port has none of the routes", async () => {
  await using origin = new Origin(statusAnswer(404));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const path of ["/healthz", "/metrics"]) {
    assertEquals((await proxy.get(path)).response.status, 404);
    assertEquals(origin.count("GET", path), 1, "it is a path like any other");
  }
});
