import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertSameBytes, bytesOf, randomBytes, readRest, readSome } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const ALL = randomBytes(300_000);
const PIECES = [ALL.slice(0, 100_000), ALL.slice(100_000, 200_000), ALL.slice(200_000)];

/** A proxy with a body under way, of which the mirror has sent the first third. */
async function underWay(isSized: boolean) {
  const body = new GatedBody(PIECES);
  const headers: HeadersInit = isSized ? { "content-length": String(ALL.byteLength) } : {};
  const origin = new Origin(() =>
    new Response(body.stream, { headers: { ...headers, etag: '"v"' } })
  );
  const proxy = await TestProxy.start({ upstreams: [origin.url] });
  const leader = await proxy.fetch("/x");
  return {
    proxy,
    origin,
    body,
    leader,
    async [Symbol.asyncDispose](): Promise<void> {
      if (!leader.bodyUsed) await leader.body?.cancel();
      await proxy[Symbol.asyncDispose]();
      body.release();
      body.release();
      await origin[Symbol.asyncDispose]();
    },
  };
}

function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array> {
  if (response.body === null) throw new Error("There is no body");
  return response.body.getReader();
}

for (const isSized of [true, false]) {
  const kind = isSized ? "a body of known length" : "a chunked body";

  Deno.test(`joiners of ${kind} read along from its first byte, whenever they come`, async () => {
    await using held = await underWay(isSized);
    const joined = [];
    // The release of the last piece ends the flight, so nobody can be sure to join after it.
    for (const _ of PIECES.slice(1)) {
      const response = await held.proxy.fetch("/x");
      assertEquals(response.headers.get("x-cache"), "JOINED");
      assertEquals(response.headers.get("content-length"), isSized ? "300000" : null);
      const reader = readerOf(response);
      const first = await readSome(reader, 100_000);
      assertSameBytes(first, ALL.slice(0, first.byteLength));
      joined.push({ reader, read: first.byteLength });
      held.body.release();
    }
    for (const { reader, read } of joined) {
      assertSameBytes(await readRest(reader), ALL.slice(read));
    }
    assertSameBytes(await held.leader.bytes(), ALL);
    assertEquals(held.origin.seen.length, 1);
    await held.proxy.settled();
    assertEquals((await held.proxy.get("/x")).response.headers.get("x-cache"), "HIT");
  });

  Deno.test(`a range of ${kind} is answered as soon as its bytes are there`, async () => {
    await using held = await underWay(isSized);
    const ranges: [range: string, start: number, end: number][] = [
      ["bytes=0-0", 0, 1],
      ["bytes=10-99999", 10, 100_000],
    ];
    for (const [range, start, end] of ranges) {
      const response = await held.proxy.fetch("/x", { headers: { range } });
      assertEquals(response.status, 206);
      const size = isSized ? "300000" : "*";
      assertEquals(response.headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
      assertEquals(response.headers.get("content-length"), String(end - start));
      assertSameBytes(await response.bytes(), ALL.slice(start, end));
    }
    assertEquals(held.origin.seen.length, 1);
  });

  Deno.test(`a range at the end of ${kind} waits for its bytes`, async () => {
    await using held = await underWay(isSized);
    const ask = async (range: string) => {
      const response = await held.proxy.fetch("/x", { headers: { range } });
      return { response, bytes: await response.bytes() };
    };
    let early = 0;
    const asking = ["bytes=299990-", "bytes=-10", "bytes=299990-299999"].map((range) =>
      ask(range).then((answer) => {
        early++;
        return answer;
      })
    );
    const several = ask("bytes=0-0,-1");
    const beyond = held.proxy.get("/x", { headers: { range: "bytes=300000-" } });
    if (isSized) assertEquals((await beyond).response.status, 416);
    // A round trip that needs nothing of what is still to come.
    await held.proxy.fetch("/x", { headers: { range: "bytes=0-0" } }).then((it) => it.bytes());
    assertEquals(early, 0);
    held.body.release();
    held.body.release();
    for (const { response, bytes } of await Promise.all(asking)) {
      assertEquals(response.status, 206);
      const size = response.headers.get("content-range")?.split("/")[1];
      // Of a length that is not known yet nothing is said.
      assert(size === "300000" || (!isSized && size === "*"));
      assertSameBytes(bytes, ALL.slice(299_990));
    }
    const { response, bytes } = await several;
    assertEquals(response.status, 206);
    assertEquals(response.headers.get("content-length"), String(bytes.byteLength));
    assert(response.headers.get("content-type")?.startsWith("multipart/byteranges"));
    assertEquals((await beyond).response.status, 416);
    assertEquals((await beyond).response.headers.get("content-range"), "bytes */300000");
    assertEquals(held.origin.seen.length, 1);
  });

  Deno.test(`the request that starts ${kind} may itself be for a range`, async () => {
    const body = new GatedBody(PIECES);
    const headers: HeadersInit = isSized ? { "content-length": String(ALL.byteLength) } : {};
    await using origin = new Origin(() => new Response(body.stream, { headers }));
    await using proxy = await TestProxy.start({ upstreams: [origin.url] });
    const first = await proxy.fetch("/x", { headers: { range: "bytes=5-9" } });
    assertEquals([first.status, first.headers.get("x-cache")], [206, "MISS"]);
    assertEquals(await first.bytes(), ALL.slice(5, 10));
    const whole = await proxy.fetch("/x");
    body.release();
    body.release();
    assertSameBytes(await whole.bytes(), ALL);
    assertEquals(origin.seen.length, 1);
  });

  Deno.test(`clients that leave do not stop ${kind}`, async () => {
    await using held = await underWay(isSized);
    const joiner = readerOf(await held.proxy.fetch("/x"));
    await readSome(joiner, 100_000);
    await joiner.cancel();
    await held.leader.body?.cancel();
    held.body.release();
    held.body.release();
    await held.proxy.settled();
    assertSameBytes(await Deno.readFile(held.proxy.file("x")), ALL);
    assertEquals((await held.proxy.get("/x")).response.headers.get("x-cache"), "HIT");
    assertEquals(held.origin.seen.length, 1);
  });
}

Deno.test("a client that leaves before the head is there does not stop the fill", async () => {
  const head = Promise.withResolvers<void>();
  await using origin = new Origin(async () => {
    await head.promise;
    return new Response(ALL);
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const abort = new AbortController();
  const leader = proxy.fetch("/x", { signal: abort.signal });
  await origin.asked.reaches(1);
  abort.abort();
  await assertRejects(() => leader);
  const joiner = proxy.fetch("/x");
  head.resolve();
  assertSameBytes(await (await joiner).bytes(), ALL);
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x")), ALL);
  assertEquals(origin.seen.length, 1);
});

Deno.test("when nobody reads any more the fill still completes", async () => {
  const body = new GatedBody(PIECES);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const leader = await proxy.fetch("/x");
  await leader.body?.cancel();
  body.release();
  body.release();
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x")), ALL);
});

Deno.test("joiners that ask with conditions get 304 from the head of the fill", async () => {
  await using held = await underWay(true);
  const headers = { "if-none-match": '"v"' };
  assertEquals((await held.proxy.get("/x", { headers })).response.status, 304);
  const other = await held.proxy.fetch("/x", { headers: { "if-none-match": '"w"' } });
  assertEquals(other.status, 200);
  await other.body?.cancel();
});

Deno.test("two keys have two flights", async () => {
  await using origin = new Origin(({ target }) => new Response(bytesOf(target)));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const answers = await Promise.all(["/a", "/b", "/a?b"].map((path) => proxy.get(path)));
  assertEquals(answers.map(({ text }) => text), ["/a", "/b", "/a?b"]);
});
