import { assertEquals } from "@std/assert";
import { textOf } from "../support/body.ts";
import { RawOrigin } from "../support/origin.ts";
import { RawClient } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** A mirror whose answers have these fields. */
function withFields(...fields: string[]): RawOrigin {
  const head = ["HTTP/1.1 200 OK", ...fields, "Connection: close", "", ""].join("\r\n");
  return new RawOrigin(({ write }) => write(`${head}hello`));
}

Deno.test("bytes beyond ASCII in fields come through as they are, stored or not", async () => {
  const disposition = 'attachment; filename="\u4e2d\u00e9.deb"';
  const etag = '"\u4e2d"';
  await using origin = withFields(
    "Content-Length: 5",
    `Content-Disposition: ${disposition}`,
    `ETag: ${etag}`,
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const result of ["MISS", "HIT"]) {
    using client = await RawClient.connect(proxy.port);
    await client.send("GET /x HTTP/1.1", "Host: x", "Connection: close");
    const lines = textOf(await client.receive(Infinity)).split("\r\n");
    for (
      const line of [`content-disposition: ${disposition}`, `etag: ${etag}`, `x-cache: ${result}`]
    ) {
      assertEquals(lines.filter((it) => it === line).length, 1, line);
    }
    await proxy.settled();
  }
});

Deno.test("one length told twice is one length", async () => {
  await using origin = withFields("Content-Length: 5", "Content-Length: 5");
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const result of ["MISS", "HIT"]) {
    const { response, text } = await proxy.get("/x");
    assertEquals([response.headers.get("x-cache"), text], [result, "hello"]);
    await proxy.settled();
  }
});

Deno.test("a mirror's word on its connection does not reach the client", async () => {
  await using origin = withFields(
    "Content-Length: 5",
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Set-Cookie: a=b",
    "Upgrade: h2c",
    "Via: 1.1 varnish",
    "X-Cache: HIT from elsewhere",
    "Age: 100",
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const age of [null, "0"]) {
    const { headers } = (await proxy.get("/x")).response;
    for (const name of ["keep-alive", "proxy-authenticate", "set-cookie", "upgrade"]) {
      assertEquals(headers.get(name), null, name);
    }
    assertEquals([headers.get("via"), headers.get("age")], ["1.1 cache-proxy", age]);
    await proxy.settled();
  }
});
