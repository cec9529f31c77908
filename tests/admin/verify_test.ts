import { assert, assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Takes seconds to read, and no room. */
const SPARSE_BYTES = 16 * 1024 ** 3;

const POST: RequestInit = { method: "POST", headers: { "x-cache-proxy": "1" } };

Deno.test("verifying is told as it goes; one at a time, and who leaves ends it", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/a/small");
  await proxy.settled();
  await Deno.writeTextFile(proxy.file("large"), "");
  await Deno.truncate(proxy.file("large"), SPARSE_BYTES);
  // Takes it into the index.
  await proxy.fetch("/large", { method: "HEAD" });

  const leaving = new AbortController();
  const url = `${proxy.adminUrl}/verify`;
  const long = await fetch(url, { ...POST, signal: leaving.signal });
  assertEquals(long.headers.get("content-type"), "text/event-stream");
  const reader = long.body?.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader?.read() ?? {};
  const [, data = ""] = /^event: progress\ndata: (.+)\n\n/.exec(value) ?? [];
  const { checked, total, bytes } = JSON.parse(data);
  assertEquals([checked, total], [1, 2]);
  assert(bytes > 5 && bytes < SPARSE_BYTES, `${bytes} bytes`);

  const second = await fetch(`${url}?prefix=/a`, POST);
  assertEquals(second.status, 409);
  await second.body?.cancel();
  leaving.abort();
  await reader?.read().catch(() => {});

  // As soon as the proxy has noticed.
  let third = await fetch(`${url}?prefix=/a`, POST);
  while (third.status === 409) {
    await third.body?.cancel();
    third = await fetch(`${url}?prefix=/a`, POST);
  }
  const text = await third.text();
  const [, done = ""] = /^event: done\ndata: (.+)$/m.exec(text) ?? [];
  assertEquals(JSON.parse(done), {
    checked: 1,
    hashed: 0,
    bytes: 5,
    wrong: 0,
    repaired: 0,
    complete: true,
  });
});
