import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

function redirectTo(location: string, status = 302): Answerer {
  return () => new Response("moved", { status, headers: { location } });
}

Deno.test("FIELD: redirects and signed queries: followed inside, the key is the client's path", async () => {
  for (const status of [301, 302, 303, 307, 308]) {
    await using origin = new Origin((seen, request) =>
      seen.target === "/x"
        ? redirectTo("/blob?signature=abc%2B", status)(seen, request)
        : fileAnswer("hello")(seen, request)
    );
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    const { response, text } = await proxy.get("/x", { redirect: "manual" });
    assertEquals([response.status, text], [200, "hello"]);
    assertEquals(response.headers.get("location"), null);
    await proxy.settled();
    assertEquals(origin.seen.map(({ target }) => target), ["/x", "/blob?signature=abc%2B"]);
    assertEquals(proxy.storedKeys(), ["/x"]);
    assertEquals((await proxy.get("/x")).response.headers.get("x-cache"), "HIT");
  }
});

Deno.test("FIELD: redirects and signed queries: a redirect itself is never stored", async () => {
  await using cdn = new Origin(fileAnswer("elsewhere"));
  await using origin = new Origin(redirectTo(`${cdn.url}/blob?signature=s3cret`));
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, name: "toy" }] });
  const { response, text } = await proxy.get("/x", { redirect: "manual" });
  assertEquals(response.status, 502);
  assertEquals(
    text,
    `502 No upstream delivered this file\n  toy: redirect to ${cdn.url} is not allowed\n`,
  );
  assertEquals(cdn.seen, []);
  await proxy.assertNothingStored();
});

Deno.test("another host is followed where allowed-redirect says so, without credentials", async () => {
  await using cdn = new Origin(fileAnswer("from the cdn"));
  await using origin = new Origin(redirectTo(`${cdn.url}/blob?signature=abc`));
  const headers = { Authorization: "Bearer s3cret", "X-Token": "t" };
  const allowed = `^${cdn.url.replaceAll(".", "\\.")}/blob\\?`;
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, headers, "allowed-redirect": allowed }],
  });
  assertEquals((await proxy.get("/x")).text, "from the cdn");
  const [first] = origin.seen;
  const [second] = cdn.seen;
  assertEquals(first?.headers.get("authorization"), "Bearer s3cret");
  assertEquals(second?.headers.get("authorization"), null);
  assertEquals(second?.headers.get("x-token"), null);
  assertEquals(second?.headers.get("accept-encoding"), "identity");
  assertEquals(second?.headers.get("host"), new URL(cdn.url).host);
});

Deno.test("credentials do not come back by a detour over another host", async () => {
  await using origin: Origin = new Origin((seen, request) =>
    seen.target === "/x"
      ? redirectTo(`${cdn.url}/detour`)(seen, request)
      : fileAnswer("hello")(seen, request)
  );
  await using cdn: Origin = new Origin((seen, request) =>
    redirectTo(`${origin.url}/back`)(seen, request)
  );
  await using proxy = await TestProxy.start({
    upstreams: [{
      server: origin.url,
      headers: { Authorization: "Bearer s3cret" },
      "allowed-redirect": "^http://127\\.0\\.0\\.1:",
    }],
  });
  assertEquals((await proxy.get("/x")).text, "hello");
  assertEquals(origin.seen.map(({ headers }) => headers.get("authorization")), [
    "Bearer s3cret",
    null,
  ]);
});

Deno.test("credentials do not reach another host by a redirect within it", async () => {
  await using cdn = new Origin((seen, request) =>
    seen.target === "/one" ? redirectTo("/two")(seen, request) : fileAnswer("hello")(seen, request)
  );
  await using origin = new Origin(redirectTo(`${cdn.url}/one`));
  await using proxy = await TestProxy.start({
    upstreams: [{
      server: origin.url,
      headers: { Authorization: "Bearer s3cret" },
      "allowed-redirect": "/one$",
    }],
  });
  assertEquals((await proxy.get("/x")).text, "hello");
  assertEquals(cdn.seen.map(({ target, headers }) => [target, headers.get("authorization")]), [
    ["/one", null],
    ["/two", null],
  ]);
});

Deno.test("credentials go along within the host", async () => {
  await using origin = new Origin((seen, request) =>
    seen.target === "/x" ? redirectTo("/y")(seen, request) : fileAnswer("hello")(seen, request)
  );
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, headers: { Authorization: "Bearer s3cret" } }],
  });
  await proxy.get("/x");
  assertEquals(origin.seen[1]?.headers.get("authorization"), "Bearer s3cret");
});

Deno.test("at most 5 redirects in a row", async () => {
  await using origin = new Origin((seen, request) => {
    const left = Number(seen.target.slice(1));
    return left === 0
      ? fileAnswer("arrived")(seen, request)
      : redirectTo(`/${left - 1}`)(seen, request);
  });
  await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, name: "toy" }] });
  assertEquals((await proxy.get("/5")).text, "arrived");
  const { response, text } = await proxy.get("/6");
  assertEquals(response.status, 502);
  assertStringIncludes(text, "toy: more than 5 redirects\n");
  assertEquals(origin.seen.length, 6 + 6);
});

Deno.test("a redirect without a usable target fails", async () => {
  for (const location of ["", "ftp://127.0.0.1/x", "http://", "\\"]) {
    await using origin = new Origin(({ target }) =>
      new Response(null, { status: 302, headers: target === "/x" ? { location } : {} })
    );
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    assertEquals((await proxy.get("/x")).response.status, 502, location);
  }
});

Deno.test("HEAD follows redirects as HEAD", async () => {
  await using origin = new Origin((seen, request) =>
    seen.target === "/x" ? redirectTo("/y", 303)(seen, request) : fileAnswer("hello")(seen, request)
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const { response } = await proxy.get("/x", { method: "HEAD" });
  assertEquals([response.status, response.headers.get("content-length")], [200, "5"]);
  assertEquals(origin.seen.map(({ method }) => method), ["HEAD", "HEAD"]);
});
