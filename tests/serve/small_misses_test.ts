import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

// A small body is with its client before it is stored: what is asked for meanwhile fits, too.

Deno.test("a small miss is answered whole, in parts, by condition, and stored each time", async () => {
  await using origin = new Origin(fileAnswer("hello, world", { etag: '"v"' }));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const whole = await proxy.get("/whole");
  assertEquals([whole.response.status, whole.text], [200, "hello, world"]);
  assertEquals(whole.response.headers.get("x-cache"), "MISS");
  assertEquals(whole.response.headers.get("content-length"), "12");
  const part = await proxy.get("/part", { headers: { range: "bytes=7-11" } });
  assertEquals([part.response.status, part.text], [206, "world"]);
  assertEquals(part.response.headers.get("content-range"), "bytes 7-11/12");
  const parts = await proxy.get("/parts", { headers: { range: "bytes=0-1,10-" } });
  assertEquals(parts.response.status, 206);
  assertEquals(parts.text.includes("\r\n\r\nhe\r\n"), true);
  const known = await proxy.get("/known", { headers: { "if-none-match": '"v"' } });
  assertEquals([known.response.status, known.text], [304, ""]);
  const beyond = await proxy.get("/beyond", { headers: { range: "bytes=12-" } });
  assertEquals([beyond.response.status, beyond.text], [416, ""]);
  await proxy.settled();
  assertEquals(proxy.files(), ["beyond", "known", "part", "parts", "whole"]);
  const hit = await proxy.get("/part");
  assertEquals([hit.response.headers.get("x-cache"), hit.text], ["HIT", "hello, world"]);
});

Deno.test("fifty clients of small cold files: one download each, and all bytes", async () => {
  await using origin = new Origin((seen, request) => fileAnswer(seen.target)(seen, request));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const paths = Array.from({ length: 150 }, (_, n) => `/folder/${n % 50}`);
  const texts = await Promise.all(paths.map(async (path) => (await proxy.get(path)).text));
  assertEquals(texts, paths);
  await proxy.settled();
  assertEquals(origin.seen.length, 50);
  assertEquals(proxy.files().length, 50);
});
