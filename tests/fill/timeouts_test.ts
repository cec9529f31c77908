import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { bytesOf, readSome, textOf } from "../support/body.ts";
import { Gate } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

const HEAD_TIMEOUT_MS = 10_000;
const STALL_TIMEOUT_MS = 15_000;

Deno.test("a mirror that sends no head in time has failed: 504, and its connection is closed", async () => {
  for (const head of ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"]) {
    const clock = new ManualClock();
    const written = new Gate();
    await using silent = new RawOrigin(async ({ write, closedByPeer }) => {
      await write(head);
      written.open();
      await closedByPeer();
    });
    await using proxy = await TestProxy.start({
      upstreams: [{ server: silent.url, name: "silent" }],
      clock,
    });
    const asking = proxy.get("/x");
    await written.opened;
    clock.advance(HEAD_TIMEOUT_MS);
    const { response, text } = await asking;
    assertEquals(response.status, 504);
    assertStringIncludes(text, "silent: silent for 10000 ms");
    await silent.idle();
    await proxy.assertNothingStored();
  }
});

Deno.test("redirects do not start the time anew", async () => {
  const clock = new ManualClock();
  const gate = new Gate();
  await using origin = new Origin(async ({ target }) => {
    if (target !== "/x") await gate.opened;
    if (target === "/x") clock.advance(HEAD_TIMEOUT_MS - 1);
    return new Response(null, { status: 302, headers: { location: "/y" } });
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const asking = proxy.get("/x");
  await origin.asked.reaches(2);
  clock.advance(1);
  assertEquals((await asking).response.status, 504);
  gate.open();
});

Deno.test("FIELD: a 404 cached too long; a timeout shown as 404: silence is 504 beside a 404", async () => {
  const clock = new ManualClock();
  await using silent = new RawOrigin(({ closedByPeer }) => closedByPeer());
  await using missing = new Origin(() => new Response("no", { status: 404 }));
  await using proxy = await TestProxy.start({ upstreams: [silent.url, missing.url], clock });
  const asking = proxy.get("/x");
  await Promise.all([silent.asked.reaches(1), missing.asked.reaches(1)]);
  clock.advance(HEAD_TIMEOUT_MS);
  assertEquals((await asking).response.status, 504);
});

Deno.test("a body that pauses for too long breaks the transfer, nothing is stored", async () => {
  const clock = new ManualClock();
  await using stalled = new RawOrigin(async ({ write, closedByPeer }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello");
    await closedByPeer();
  });
  await using proxy = await TestProxy.start({ upstreams: [stalled.url], clock });
  const leader = (await proxy.fetch("/x")).body?.getReader();
  const joiner = (await proxy.fetch("/x")).body?.getReader();
  if (leader === undefined || joiner === undefined) throw new Error("There is no body");
  assertEquals(textOf(await readSome(leader, 5)), "hello");
  assertEquals(textOf(await readSome(joiner, 5)), "hello");
  const broken = Promise.all([
    assertRejects(() => leader.read()),
    assertRejects(() => joiner.read()),
  ]);
  clock.advance(STALL_TIMEOUT_MS);
  await broken;
  await stalled.idle();
  await proxy.assertNothingStored();
});

Deno.test("FIELD: a slow or stalled mirror; a total deadline that kills big files: only a pause counts", async () => {
  const clock = new ManualClock();
  const pieces = Array.from({ length: 50 }, (_, index) => bytesOf(`${index} `));
  const body = new GatedBody(pieces);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const response = await proxy.fetch("/x");
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error("There is no body");
  for (const piece of pieces) {
    assertEquals(await readSome(reader, piece.byteLength), piece);
    // In all this is more than ten minutes.
    clock.advance(STALL_TIMEOUT_MS - 1);
    body.release();
  }
  assertEquals((await reader.read()).done, true);
  await proxy.settled();
  const expected = pieces.map(textOf).join("");
  assertEquals(await Deno.readTextFile(proxy.file("x")), expected);
});

Deno.test("no timer is left when a race has been won and a body has come", async () => {
  const clock = new ManualClock();
  await using one = new Origin(fileAnswer("hello"));
  await using two = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [one.url, two.url], clock });
  const before = clock.pending;
  for (let n = 0; n < 20; n++) {
    await proxy.get(`/${n}`, { method: n % 2 === 0 ? "GET" : "HEAD" });
  }
  await proxy.settled();
  while (clock.pending > before) await proxy.get("/", { method: "POST" });
});
