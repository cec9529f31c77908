import { assertEquals, assertMatch } from "@std/assert";
import { readAll } from "../support/body.ts";
import { Origin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const plain = new Response(text).body;
  return await readAll(plain?.pipeThrough(new CompressionStream("gzip")) ?? null);
}

Deno.test("FIELD: gzip decoded twice or by accident: a body that comes encoded stays as it is", async () => {
  const packed = await gzip("hello".repeat(1000));
  await using origin = new Origin(() =>
    new Response(packed, {
      headers: {
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "content-length": String(packed.byteLength),
      },
    })
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const result of ["MISS", "HIT"]) {
    const { status, headers, body } = await rawRequest(proxy.port, "GET /x HTTP/1.1", "Host: x");
    assertEquals([status, headers.get("x-cache")], [200, result]);
    assertEquals(headers.get("content-encoding"), "gzip");
    assertEquals(headers.get("content-length"), String(packed.byteLength));
    assertEquals(body, packed);
    await proxy.settled();
  }
  // Not in the tree: without the index it would be taken there for the plain body.
  const [file = ""] = proxy.files();
  assertMatch(file, /^\.cache-proxy\/overflow\//);
  assertEquals(await Deno.readFile(proxy.file(file)), packed);
  assertEquals(origin.seen[0]?.headers.get("accept-encoding"), "identity");
});

Deno.test("FIELD: gzip decoded twice or by accident: a plain body is not encoded for a client", async () => {
  for (const size of [5000, 500_000]) {
    const text = "hello".repeat(size / 5);
    const headers = { "content-type": "text/plain", "content-length": String(size), etag: '"v1"' };
    await using origin = new Origin(() => new Response(text, { headers }));
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    for (const result of ["MISS", "HIT"]) {
      const { headers, body } = await rawRequest(
        proxy.port,
        "GET /x HTTP/1.1",
        "Host: x",
        "Accept-Encoding: gzip, br",
      );
      assertEquals([headers.get("x-cache"), headers.get("content-encoding")], [result, null]);
      assertEquals(headers.get("etag"), '"v1"');
      assertEquals([headers.get("content-length"), body.byteLength], [String(size), size]);
      await proxy.settled();
    }
  }
});

Deno.test("a gzip file as such is no encoded body", async () => {
  const packed = await gzip("hello");
  const headers = { "content-type": "application/gzip" };
  await using origin = new Origin(() => new Response(packed, { headers }));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (let again = 0; again < 2; again++) {
    const response = await proxy.fetch("/hello.gz");
    assertEquals(response.headers.get("content-encoding"), null);
    assertEquals(await response.bytes(), packed);
    await proxy.settled();
  }
});
