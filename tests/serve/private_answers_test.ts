import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

async function twice(proxy: TestProxy, path: string): Promise<(string | null)[]> {
  const results: (string | null)[] = [];
  for (let count = 0; count < 2; count++) {
    const { response, text } = await proxy.get(path);
    assertEquals([response.status, text], [200, "hello"]);
    results.push(response.headers.get("x-cache"));
    await proxy.settled();
  }
  return results;
}

Deno.test("what is got with credentials is passed on to each client and not stored", async () => {
  const table: [auth: Record<string, string>, sent: string][] = [
    [{ bearer: "t0ken" }, "Bearer t0ken"],
    [{ user: "me", password: "pässword" }, `Basic ${btoa("me:p\xc3\xa4ssword")}`],
  ];
  for (const [auth, sent] of table) {
    await using origin = new Origin(fileAnswer("hello"));
    await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, auth }] });
    assertEquals(await twice(proxy, "/x"), ["BYPASS", "BYPASS"]);
    const seen = origin.seen.map(({ headers }) => headers.get("authorization"));
    assertEquals(seen, [sent, sent]);
    await proxy.assertNothingStored();
  }
});

Deno.test("cache-private has it stored, and headers have always been", async () => {
  for (
    const more of [
      { auth: { bearer: "t0ken" }, "cache-private": true },
      { headers: { authorization: "Bearer t0ken" } },
    ]
  ) {
    await using origin = new Origin(fileAnswer("hello"));
    await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url, ...more }] });
    assertEquals(await twice(proxy, "/x"), ["MISS", "HIT"]);
    assertEquals(origin.seen[0]?.headers.get("authorization"), "Bearer t0ken");
  }
});

Deno.test("what a mirror calls private is not stored either", async () => {
  const answer = fileAnswer("hello", { headers: { "cache-control": "max-age=60, Private" } });
  for (const refresh of ["1h", "upstream"]) {
    const config = { cache: { policies: [{ match: "^/", "refresh-after": refresh }] } };
    await using origin = new Origin(answer);
    await using proxy = await TestProxy.start({ upstreams: [{ server: origin.url }], config });
    assertEquals(await twice(proxy, "/x"), ["BYPASS", "BYPASS"], refresh);
    await proxy.assertNothingStored();
    const upstreams = [{ server: origin.url, "cache-private": true }];
    proxy.reload({ upstreams, config });
    // Who goes by what mirrors say goes by this as well.
    const results = refresh === "upstream" ? ["BYPASS", "BYPASS"] : ["MISS", "HIT"];
    assertEquals(await twice(proxy, "/x"), results, refresh);
  }
});

Deno.test("clients who ask at once do not share what is got with credentials", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, auth: { bearer: "t0ken" } }],
  });
  const answers = await Promise.all(Array.from({ length: 5 }, () => proxy.get("/x")));
  assertEquals(answers.map(({ text }) => text), Array(5).fill("hello"));
  assertEquals(
    answers.map(({ response }) => response.headers.get("x-cache")),
    Array(5).fill("BYPASS"),
  );
  assertEquals(origin.seen.length, 5);
  await proxy.assertNothingStored();
});

Deno.test("credentials go to their own host alone, redirects or not", async () => {
  await using elsewhere = new Origin(fileAnswer("hello"));
  await using origin = new Origin(({ target }) =>
    new Response(null, {
      status: 302,
      headers: { location: target === "/x" ? "/y" : `${elsewhere.url}/z` },
    })
  );
  await using proxy = await TestProxy.start({
    upstreams: [{
      server: origin.url,
      auth: { bearer: "t0ken" },
      "allowed-redirect": "^http://127",
      "cache-private": true,
    }],
  });
  assertEquals((await proxy.get("/x")).text, "hello");
  const shown = origin.seen.map(({ headers }) => headers.get("authorization"));
  assertEquals(shown, ["Bearer t0ken", "Bearer t0ken"]);
  assertEquals(elsewhere.seen.map(({ headers }) => headers.get("authorization")), [null]);
});

Deno.test("a client's own credentials go with a request that is passed through", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, auth: { bearer: "t0ken" }, "allow-methods": ["POST"] }],
  });
  await proxy.get("/x", { method: "POST" });
  await proxy.get("/x", { method: "POST", headers: { authorization: "Basic own" } });
  const shown = origin.seen.map(({ headers }) => headers.get("authorization"));
  assertEquals(shown, ["Bearer t0ken", "Basic own"]);
});

Deno.test("a netrc file has the credentials of its hosts, and is read again at a reload", async () => {
  await using dir = await tempDir();
  const netrc = `${dir.path}/netrc`;
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login me password one", { mode: 0o600 });
  await using origin = new Origin(fileAnswer("hello"));
  const upstreams = [{ server: origin.url, auth: { netrc } }];
  await using proxy = await TestProxy.start({ upstreams });
  await proxy.get("/x");
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login me password two");
  proxy.reload({ upstreams });
  await proxy.get("/x");
  await Deno.writeTextFile(netrc, "machine other.example login me password three");
  proxy.reload({ upstreams });
  await proxy.get("/x");
  const shown = origin.seen.map(({ headers }) => headers.get("authorization"));
  assertEquals(shown, [`Basic ${btoa("me:one")}`, `Basic ${btoa("me:two")}`, null]);
});

Deno.test("bytes that were got with credentials complete no file for everybody", async () => {
  const body = "x".repeat(100_000);
  await using open = new Origin(({ headers }) => {
    if (headers.has("range")) return new Response(null, { status: 500 });
    return new Response(
      new ReadableStream({
        pull(controller): void {
          controller.enqueue(new TextEncoder().encode(body.slice(0, 70_000)));
          controller.error(new Error("broken off"));
        },
      }),
      { headers: { "content-length": String(body.length), "last-modified": LAST_MODIFIED } },
    );
  });
  await using closed = new Origin(
    fileAnswer(body, { headers: { "last-modified": LAST_MODIFIED } }),
  );
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: open.url, name: "open", "priority-groups": [{ match: "", priority: 1 }] },
      { server: closed.url, name: "closed", auth: { bearer: "t0ken" } },
    ],
  });
  await proxy.get("/x").catch(() => {});
  await proxy.assertNothingStored();
  assertEquals(closed.seen.filter(({ headers }) => headers.has("range")), []);
});

const LAST_MODIFIED = "Thu, 15 Jan 2026 12:00:00 GMT";
