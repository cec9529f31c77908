import { assertEquals } from "@std/assert";
import { RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("a connection that a mirror has closed while it was idle fails no request", async () => {
  // The mirror promises to keep its connections, and then closes each after one answer.
  await using origin = new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (let n = 0; n < 20; n++) assertEquals((await proxy.get(`/${n}`)).text, "hello");
});

Deno.test("a connection that a mirror closes upon its second request fails no request", async () => {
  await using origin = new RawOrigin(async ({ write, conn }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
    await conn.read(new Uint8Array(1));
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (let n = 0; n < 20; n++) assertEquals((await proxy.get(`/${n}`)).text, "hello");
});
