import { assertEquals } from "@std/assert";
import { Origin } from "../../support/origin.ts";
import { TestProxy } from "../../support/test_proxy.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** A mirror that answers with what it was asked for. */
function echo(): Origin {
  return new Origin(({ headers }) =>
    new Response(headers.get("accept"), { headers: { "content-type": "text/plain" } })
  );
}

Deno.test("with accept: pass the client's own Accept goes on, and each has its own copy", async () => {
  await using origin = echo();
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { cache: { variants: [{ match: "^/v2/", accept: "pass" }] } },
  });
  const get = async (accept: string): Promise<unknown> => {
    const { response, text } = await proxy.get("/v2/x", { headers: { accept } });
    await proxy.settled();
    return [text, response.headers.get("x-cache"), response.headers.get("vary")];
  };
  const both = `${INDEX}, ${MANIFEST}`;
  assertEquals(await get(`${MANIFEST},${INDEX}`), [both, "MISS", "Accept"]);
  assertEquals(await get(both), [both, "HIT", "Accept"]);
  assertEquals(await get(MANIFEST), [MANIFEST, "MISS", "Accept"]);
  assertEquals(await get("*/*"), ["*/*", "MISS", "Accept"]);
  assertEquals(origin.count("GET"), 3);
});

Deno.test("elsewhere a path has one form for all, whatever clients accept", async () => {
  await using origin = echo();
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const accept of [INDEX, MANIFEST]) {
    const { response, text } = await proxy.get("/x", { headers: { accept } });
    assertEquals([text, response.headers.get("vary")], ["*/*", null]);
    await proxy.settled();
  }
  assertEquals(origin.count("GET"), 1);
});

Deno.test("where an upstream's own directives count, forms are apart as well, whether it says so or not", async () => {
  for (const vary of [null, "Accept", "Accept-Encoding, X-Kind"]) {
    await using origin = new Origin(({ headers }) =>
      new Response(headers.get("accept"), {
        headers: { "cache-control": "max-age=600", ...vary === null ? {} : { vary } },
      })
    );
    await using proxy = await TestProxy.start({
      upstreams: [origin.url],
      config: {
        cache: {
          policies: [{ match: "", "refresh-after": "upstream" }],
          variants: [{ match: "^/v2/", accept: ["a/a", "b/b"] }],
        },
      },
    });
    for (const result of ["MISS", "HIT"]) {
      for (const [accept, form] of [["a/a", "a/a"], ["b/b, a/a;q=0.5", "b/b"]] as const) {
        const { response, text } = await proxy.get("/v2/x", { headers: { accept } });
        await proxy.settled();
        assertEquals(
          [text, response.headers.get("x-cache")],
          [`${form}, */*;q=0.1`, result],
          `${vary}`,
        );
      }
    }
  }
});

Deno.test("a purge takes all forms of a path", async () => {
  await using origin = echo();
  await using proxy = await TestProxy.start({
    upstreams: [origin.url],
    config: { cache: { variants: [{ match: "^/v2/", accept: ["a/a", "b/b"] }] } },
  });
  for (const accept of ["a/a", "b/b"]) await proxy.get("/v2/x", { headers: { accept } });
  await proxy.settled();
  assertEquals(proxy.storedKeys().length, 2);
  const headers = { "x-cache-proxy": "1" };
  const purged = await fetch(`${proxy.adminUrl}/cache/v2/x`, { method: "DELETE", headers });
  await purged.body?.cancel();
  await proxy.assertNothingStored();
});

Deno.test("another mirror goes on with a broken body in the same form", async () => {
  const body = "0123456789".repeat(20_000);
  const validators = { etag: '"v1"', "content-length": String(body.length) };
  await using broken = new Origin(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(body.slice(0, 150_000))),
        pull: (controller) => controller.error(new Error("broken by the test")),
      }),
      { headers: validators },
    )
  );
  await using good = new Origin(({ headers }) => {
    const [, from = "0"] = /^bytes=(\d+)-/.exec(headers.get("range") ?? "") ?? [];
    return new Response(body.slice(Number(from)), {
      status: 206,
      headers: {
        etag: '"v1"',
        "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
      },
    });
  });
  await using proxy = await TestProxy.start({
    upstreams: [
      broken.url,
      { server: good.url, "priority-groups": [{ match: "", priority: -1 }] },
    ],
    config: { cache: { variants: [{ match: "^/v2/", accept: ["a/a", "b/b"] }] } },
  });
  const { text } = await proxy.get("/v2/x", { headers: { accept: "b/b" } });
  assertEquals(text.length, body.length);
  assertEquals(good.seen.map(({ headers }) => headers.get("accept")), ["b/b, */*;q=0.1"]);
});
