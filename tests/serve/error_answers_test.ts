import { assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { statusAnswer } from "../support/answers.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Where nobody listens. */
async function urlOfNobody(): Promise<string> {
  await using origin = new Origin(statusAnswer(500));
  return origin.url;
}

Deno.test("an error names each mirror with its reason, and no credential", async () => {
  const nobody = await urlOfNobody();
  await using missing = new Origin(statusAnswer(403));
  await using resetting = new RawOrigin(() => {}, { resets: true });
  await using redirecting = new Origin(() =>
    new Response(null, {
      status: 302,
      headers: { location: "https://user:s3cret@cdn.test/x?signature=s3cret" },
    })
  );
  const headers = { authorization: "Bearer s3cret" };
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: missing.url + "/base", name: "missing", headers },
      { server: resetting.url, name: "resetting", headers },
      { server: redirecting.url, name: "redirecting", headers },
      { server: nobody, name: "nobody", headers },
      { server: "http://127.0.0.1:1", name: "blocked", headers },
      {
        server: "http://mirror.test",
        name: "behind",
        proxy: nobody.replace("//", "//user:s3cret@"),
      },
    ],
  });
  const { response, text } = await proxy.get("/x");
  assertEquals(response.status, 502);
  assertMatch(text, /^502 No upstream delivered this file\n/);
  assertStringIncludes(text, "\n  missing: answered 403\n");
  assertMatch(text, /\n {2}resetting: connection (?:closed|reset)/);
  assertStringIncludes(text, "\n  redirecting: redirect to https://cdn.test is not allowed\n");
  assertMatch(text, /\n {2}nobody: .*Connection refused\n/);
  assertMatch(text, /\n {2}blocked: Requests to port 1 are blocked\n/);
  assertMatch(text, /\n {2}behind: ./);
  assertNotMatch(text, /s3cret|user:|\.ts:|at async/);
  assertEquals(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(response.headers.get("content-length"), String(text.length));
  assertEquals(response.headers.get("via"), "1.1 cache-proxy");
  const head = await proxy.get("/x", { method: "HEAD" });
  assertEquals([head.response.status, head.text], [502, ""]);
});

Deno.test("a proxy that refuses its password says nothing of it", async () => {
  await using upstreamProxy = new Origin(() =>
    new Response("no", { status: 407, headers: { "proxy-authenticate": "Basic" } })
  );
  const url = new URL(upstreamProxy.url);
  url.username = "user";
  url.password = "s3cret";
  await using proxy = await TestProxy.start({
    upstreams: [{ server: "http://127.0.0.2:4080", name: "behind", proxy: url.href }],
  });
  const { response, text } = await proxy.get("/x");
  assertEquals(response.status, 502);
  assertStringIncludes(text, "behind: answered 407");
  assertNotMatch(text, /s3cret/);
});
