import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

const RULES = [
  { match: "^/npm/evil/ok$", action: "allow" },
  { match: "^/npm/evil", action: "deny", reason: "evil is not allowed here" },
  { match: "^/silent/", action: "deny" },
  { match: "^/big/", action: "direct" },
];

Deno.test("the first rule that matches counts, for every method and what is stored", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const upstreams = [{ server: origin.url, "allow-methods": ["POST"] }];
  await using proxy = await TestProxy.start({ upstreams });
  assertEquals((await proxy.get("/npm/evil/x")).text, "hello");
  await proxy.settled();
  assertEquals((await proxy.get("/npm/evil/x")).response.headers.get("x-cache"), "HIT");
  const asked = origin.seen.length;

  proxy.reload({ upstreams, config: { rules: RULES } });
  for (const method of ["GET", "HEAD", "POST"]) {
    const { response, text } = await proxy.get("/npm/ev%69l/x?y", { method });
    assertEquals(response.status, 403, method);
    if (method !== "HEAD") assertEquals(text, "403 evil is not allowed here\n");
  }
  const silent = await proxy.get("/silent/x");
  assertEquals(silent.response.status, 403);
  assertStringIncludes(silent.text, "denied by the rules");
  assertEquals(origin.seen.length, asked);
  assertEquals((await proxy.get("/npm/evil/ok")).text, "hello");
  assertEquals((await proxy.get("/npm/other")).text, "hello");
});

Deno.test("direct sends the client to the first mirror, and stores nothing", async () => {
  await using first = new Origin(fileAnswer("first"));
  await using second = new Origin(fileAnswer("second"));
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: `${second.url}/x`, name: "second" },
      {
        server: `${first.url}/pub`,
        name: "first",
        at: "/big",
        headers: { authorization: "Bearer s3cret" },
        auth: { user: "user", password: "passw0rd" },
        "priority-groups": [{ match: "", priority: 1 }],
      },
    ],
    config: { rules: RULES },
  });
  const response = await proxy.fetch("/big/a%2bb/x?q=1&r=%7e", { redirect: "manual" });
  const body = await response.text();
  assertEquals(response.status, 307);
  assertEquals(response.headers.get("location"), `${first.url}/pub/a%2bb/x?q=1&r=%7e`);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(/s3cret|user|passw0rd/.test(JSON.stringify([...response.headers]) + body), false);
  assertEquals((await proxy.get("/big/x")).text, "first");
  assertEquals(first.seen.map(({ headers }) => headers.get("authorization")), [null]);
  await proxy.assertNothingStored();
});

Deno.test("to whoever asks a proxy, direct would be a circle: it is told so", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, at: "/big" }],
    config: { rules: RULES },
  });
  const { host } = new URL(origin.url);
  const answer = await rawRequest(proxy.port, `GET http://${host}/x HTTP/1.1`, `Host: ${host}`);
  assertEquals([answer.status, answer.headers.get("location")], [403, null]);
  assertEquals(origin.seen, []);
});
