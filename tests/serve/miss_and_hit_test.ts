import { assertEquals, assertMatch } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const PATH = "/pool/hello.deb";
const FACTS = {
  etag: '"v1"',
  lastModified: NOON - 86_400_000,
  headers: {
    "content-type": "application/vnd.debian.binary-package",
    "content-disposition": "attachment",
    "cache-control": "max-age=60",
    expires: "Thu, 15 Jan 2026 12:01:00 GMT",
    "set-cookie": "a=b",
    "x-secret": "server 7",
    connection: "keep-alive",
  },
};

Deno.test("a miss is fetched once, stored in the tree, and a hit from then on", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const miss = await proxy.get(PATH);
  assertEquals([miss.response.status, miss.text], [200, "hello"]);
  assertEquals(miss.response.headers.get("x-cache"), "MISS");
  await proxy.settled();
  assertEquals(await Deno.readTextFile(proxy.file("pool/hello.deb")), "hello");
  assertEquals([proxy.files(), proxy.storedKeys()], [["pool/hello.deb"], [PATH]]);
  for (let again = 0; again < 3; again++) {
    const hit = await proxy.get(PATH);
    assertEquals([hit.text, hit.response.headers.get("x-cache")], ["hello", "HIT"]);
  }
  assertEquals(origin.count("GET"), 1);
});

Deno.test("a miss and a hit describe the file alike, end-to-end fields only", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  const clock = new ManualClock(NOON);
  await using proxy = await TestProxy.start({
    upstreams: [{ server: origin.url, name: "toy" }],
    clock,
  });
  const described = {
    "accept-ranges": "bytes",
    "cache-control": "max-age=60",
    "content-disposition": "attachment",
    "content-length": "5",
    "content-type": "application/vnd.debian.binary-package",
    etag: '"v1"',
    expires: "Thu, 15 Jan 2026 12:01:00 GMT",
    "last-modified": "Wed, 14 Jan 2026 12:00:00 GMT",
    via: "1.1 cache-proxy",
  };
  const miss = Object.fromEntries((await proxy.get(PATH)).response.headers);
  assertMatch(miss["date"] ?? "", / GMT$/);
  assertEquals(miss, {
    ...described,
    "cache-status": 'cache-proxy; fwd=uri-miss; stored; detail="toy"',
    date: miss["date"] ?? "",
    "x-cache": "MISS",
  });
  await proxy.settled();
  clock.advance(61_500);
  const hit = Object.fromEntries((await proxy.get(PATH)).response.headers);
  assertEquals(hit, {
    ...described,
    age: "61",
    "cache-status": 'cache-proxy; hit; ttl=3538; detail="toy"',
    date: hit["date"] ?? "",
    "x-cache": "HIT",
  });
});

Deno.test("bodies of all sizes come through and stay what they are", async () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, 1_048_576, 3_000_001];
  await using origin = new Origin(({ target }) => {
    return fileAnswer("0123456789".repeat(300_001).slice(0, Number(target.slice(1))))(
      { method: "GET", target, headers: new Headers() },
      new Request("http://x/"),
    );
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const size of sizes) {
    for (const result of ["MISS", "HIT"]) {
      const { response, text } = await proxy.get(`/${size}`);
      assertEquals([response.headers.get("x-cache"), text.length], [result, size]);
      assertEquals(text, "0123456789".repeat(300_001).slice(0, size));
      assertEquals(response.headers.get("content-length"), String(size));
      await proxy.settled();
    }
  }
});

Deno.test("a chunked body is stored when its end has come", async () => {
  await using origin = new Origin(() => new Response(ReadableStream.from([new Uint8Array(7)])));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const miss = await proxy.get("/x");
  assertEquals(miss.text.length, 7);
  assertEquals(miss.response.headers.get("content-length"), null);
  await proxy.settled();
  const hit = await proxy.get("/x");
  assertEquals(hit.response.headers.get("x-cache"), "HIT");
  assertEquals(hit.response.headers.get("content-length"), "7");
});

Deno.test("a stored file that was removed by hand is fetched again", async () => {
  await using origin = new Origin(fileAnswer("hello", FACTS));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get(PATH);
  await proxy.settled();
  await Deno.remove(proxy.file("pool/hello.deb"));
  const { response, text } = await proxy.get(PATH);
  assertEquals([text, response.headers.get("x-cache")], ["hello", "MISS"]);
  await proxy.settled();
  assertEquals((await proxy.get(PATH)).response.headers.get("x-cache"), "HIT");
});

Deno.test("what a query asks for is stored apart", async () => {
  await using origin = new Origin(({ target }) => new Response(target));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  for (const path of ["/x", "/x?a=1", "/x?a=2", "/x?"]) {
    const { text } = await proxy.get(path);
    assertEquals(text, path === "/x?" ? "/x" : path);
    await proxy.settled();
  }
  assertEquals(proxy.storedKeys(), ["/x", "/x?a=1", "/x?a=2"]);
});
