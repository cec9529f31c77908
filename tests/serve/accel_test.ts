import { assertEquals } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { CAN_LIST_OPEN_FILES, openFiles } from "../support/open_files.ts";
import { TestProxy } from "../support/test_proxy.ts";

const LOCAL = { accel: { "enable-by-header": "X-Accel-Location" } };

/** A proxy behind a front server that holds the path. */
async function stored(path: string, local: Record<string, unknown> = LOCAL) {
  const origin = new Origin(fileAnswer("hello", { etag: '"v1"' }));
  const proxy = await TestProxy.start({ upstreams: [origin.url], local });
  await proxy.get(path);
  await proxy.settled();
  return {
    proxy,
    origin,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

const FRONT = { headers: { "x-accel-location": "/internal/" } };

Deno.test("a front server gets the location of a hit in place of its bytes", async () => {
  await using held = await stored("/pool/hello.deb");
  for (const location of ["/internal", "/internal/", "/internal//"]) {
    const headers = { "x-accel-location": location };
    const { response, text } = await held.proxy.get("/pool/hello.deb", { headers });
    assertEquals([response.status, text], [200, ""]);
    assertEquals(response.headers.get("x-accel-redirect"), "/internal/pool/hello.deb");
    assertEquals(response.headers.get("x-sendfile"), "/internal/pool/hello.deb");
    assertEquals(response.headers.get("content-type"), "text/plain");
    assertEquals([response.headers.get("etag"), response.headers.get("x-cache")], ['"v1"', "HIT"]);
  }
});

Deno.test("names are percent-encoded, so that the front server finds the file after decoding", async () => {
  const table: [path: string, location: string][] = [
    ["/a%20b", "/internal/a%20b"],
    ["/a+b~c:d", "/internal/a%2Bb~c%3Ad"],
    ["/100%25", "/internal/100%25"],
    ["/what%3F%23", "/internal/what%3F%23"],
    ["/caf%C3%A9", "/internal/caf%C3%A9"],
    ["/%22quoted%22", "/internal/%22quoted%22"],
    ["/x;y=z,&", "/internal/x%3By%3Dz%2C%26"],
  ];
  for (const [path, location] of table) {
    await using held = await stored(path);
    const { response } = await held.proxy.get(path, FRONT);
    assertEquals(response.headers.get("x-accel-redirect"), location);
    const relative = decodeURIComponent(location.slice("/internal/".length));
    assertEquals(await Deno.readTextFile(held.proxy.file(relative)), "hello");
  }
});

Deno.test("what the plain tree cannot hold is handed over, too", async () => {
  await using held = await stored("/x?query");
  const { response } = await held.proxy.get("/x?query", FRONT);
  const location = response.headers.get("x-accel-redirect") ?? "";
  assertEquals(held.proxy.files(), [decodeURIComponent(location.slice("/internal/".length))]);
});

Deno.test("without the header, with an empty one, and when it is off, the bytes come themselves", async () => {
  await using on = await stored("/x");
  await using off = await stored("/x", {});
  for (const { proxy } of [on, off]) {
    const headers = proxy === on.proxy ? { "x-accel-location": "" } : { "x-accel-location": "/i" };
    for (const init of [{}, { headers }]) {
      const { response, text } = await proxy.get("/x", init);
      assertEquals([text, response.headers.get("x-accel-redirect")], ["hello", null]);
    }
  }
});

Deno.test("the response headers are those of the config", async () => {
  const accel = { ...LOCAL.accel, "respond-with-headers": ["X-Where"] };
  await using held = await stored("/x", { accel });
  const { response } = await held.proxy.get("/x", FRONT);
  assertEquals(response.headers.get("x-where"), "/internal/x");
  assertEquals(response.headers.get("x-accel-redirect"), null);
});

Deno.test("conditions are ours to answer, ranges are the front server's", async () => {
  await using held = await stored("/x");
  const ask = (headers: Record<string, string>, method = "GET") =>
    held.proxy.get("/x", { method, headers: { ...FRONT.headers, ...headers } });
  const notModified = await ask({ "if-none-match": '"v1"' });
  assertEquals(notModified.response.status, 304);
  assertEquals(notModified.response.headers.get("x-accel-redirect"), null);
  const failed = await ask({ "if-match": '"v2"' });
  assertEquals([failed.response.status, failed.response.headers.get("x-sendfile")], [412, null]);
  const range = await ask({ range: "bytes=1-2" });
  assertEquals([range.response.status, range.text], [200, ""]);
  assertEquals(range.response.headers.get("x-accel-redirect"), "/internal/x");
  const head = await ask({}, "HEAD");
  assertEquals(head.response.headers.get("x-accel-redirect"), "/internal/x");
});

Deno.test("a miss is streamed, it has no file yet", async () => {
  await using held = await stored("/x");
  const { response, text } = await held.proxy.get("/other", FRONT);
  assertEquals([text, response.headers.get("x-accel-redirect")], ["hello", null]);
});

Deno.test("a file that was removed by hand is fetched again, not handed over", async () => {
  await using held = await stored("/x");
  await Deno.remove(held.proxy.file("x"));
  const { response, text } = await held.proxy.get("/x", FRONT);
  assertEquals([text, response.headers.get("x-cache")], ["hello", "MISS"]);
});

Deno.test("handing over leaves no file open", { ignore: !CAN_LIST_OPEN_FILES }, async () => {
  await using held = await stored("/x");
  for (let again = 0; again < 5; again++) await held.proxy.get("/x", FRONT);
  assertEquals(await openFiles(held.proxy.dataDir), []);
});
