import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("an upstream's HTTP proxy is asked in absolute form, with its password", async () => {
  await using httpProxy = new RawOrigin(async ({ write }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  });
  const url = new URL(httpProxy.url);
  url.username = "user";
  url.password = "pass";
  await using proxy = await TestProxy.start({
    upstreams: [{ server: "http://127.0.0.2:4080/base", proxy: url.href }],
  });
  assertEquals((await proxy.get("/a%2Bb?q")).text, "hello");
  const [requestLine, ...fields] = httpProxy.heads[0]?.split("\r\n") ?? [];
  assertEquals(requestLine, "GET http://127.0.0.2:4080/base/a%2Bb?q HTTP/1.1");
  const field = (name: string) => fields.find((it) => it.toLowerCase().startsWith(`${name}:`));
  assertEquals(field("host"), "host: 127.0.0.2:4080");
  assertEquals(field("proxy-authorization"), `proxy-authorization: Basic ${btoa("user:pass")}`);
});

Deno.test("other upstreams are asked directly", async () => {
  await using httpProxy = new RawOrigin(() => {});
  await using direct = new Origin(fileAnswer("direct"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: "http://127.0.0.2:4080", proxy: httpProxy.url }, direct.url],
  });
  assertEquals((await proxy.get("/x")).text, "direct");
  assertEquals(direct.seen[0]?.target, "/x");
});
