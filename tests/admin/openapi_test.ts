import { assert, assertEquals } from "@std/assert";
import { ASSET_NAMES } from "../../src/server/admin/dashboard/asset_names.ts";
import { ROUTES } from "../../src/server/admin/routes.ts";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, unknown>> }>
  >;
  readonly security: readonly unknown[];
}

/** What to send to each route, and what comes of it where all is well. */
const EXAMPLES: readonly [operation: string, target: string, status: number, body?: unknown][] = [
  ["GET /healthz", "/healthz", 200],
  ["GET /readyz", "/readyz", 200],
  ["GET /version", "/version", 200],
  ["GET /metrics", "/metrics", 200],
  ["GET /status", "/status", 200],
  ["GET /events", "/events", 200],
  ["POST /prefetch", "/prefetch", 200, { paths: ["/a/b"] }],
  ["POST /prefetch", "/prefetch", 400, { paths: "/a/b" }],
  ["POST /prefetch", "/prefetch", 400],
  ["GET /catalog", "/catalog?prefix=/&limit=10", 200],
  ["GET /catalog", "/catalog?prefix=x", 400],
  ["POST /refresh/{path}", "/refresh/a/b", 202],
  ["POST /refresh/{path}", "/refresh/none", 404],
  ["DELETE /cache/{path}", "/cache/a/b", 200],
  ["DELETE /cache", "/cache?prefix=/a", 200],
  ["DELETE /cache", "/cache", 400],
  ["GET /openapi.json", "/openapi.json", 200],
  ["GET /history", "/history?range=day", 200],
  ["GET /history", "/history?range=year", 400],
  ["GET /", "/", 200],
  ...ASSET_NAMES.map((name): [string, string, number] => [
    `GET /dashboard/${name}`,
    `/dashboard/${name}`,
    200,
  ]),
  ["POST /verify", "/verify?prefix=/a", 200],
  ["POST /verify", "/verify?repair=yes", 400],
  ["GET /log-level", "/log-level", 200],
  ["PUT /log-level", "/log-level", 400],
  ["GET /debug/cpu-profile", "/debug/cpu-profile?seconds=1", 404],
  ["GET /debug/heap-snapshot", "/debug/heap-snapshot", 404],
];

Deno.test("the OpenAPI description has exactly the routes, and they answer as it says", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/a/b");
  await proxy.settled();
  const document = await (await fetch(`${proxy.adminUrl}/openapi.json`)).json();
  assertEquals(document.openapi, "3.1.0");
  const operations = new Map<string, Operation>();
  for (const [path, item] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      operations.set(`${method.toUpperCase()} ${path}`, operation);
    }
  }
  const routes = ROUTES.map(({ method, path }) => `${method} ${path}`);
  assertEquals([...operations.keys()].sort(), routes.toSorted());
  const tried = new Set(EXAMPLES.map(([operation]) => operation));
  assertEquals([...tried].sort(), routes.toSorted(), "each route has an example here");

  for (const [name, target, status, sent] of EXAMPLES) {
    const [method = ""] = name.split(" ");
    const headers = { "x-cache-proxy": "1" };
    const body = sent === undefined ? null : JSON.stringify(sent);
    const response = await fetch(proxy.adminUrl + target, { method, headers, body });
    await response.body?.cancel();
    assertEquals(response.status, status, `${method} ${target}`);
    const described = operations.get(name)?.responses[status];
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    assert(described?.content[type] !== undefined, `${name}: ${status} of ${type} is described`);
  }
});

Deno.test("each parameter of a route's path is described, and each that is described is there", () => {
  for (const route of ROUTES) {
    assertEquals(route.path.includes("{"), route.path.endsWith("/{path}"), route.path);
    assertEquals(Object.keys(route.responses).length > 0, true, route.path);
  }
});
