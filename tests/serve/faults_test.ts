import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { ask, HOUR, stored, YESTERDAY } from "../support/aged_copy.ts";
import { assertSameBytes, randomBytes, readRest, readSome } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Larger than what is sent from memory. */
const LARGE = randomBytes(8 * 1024 * 1024);
const SMALL = LARGE.slice(0, 5000);

async function withStored(body: Uint8Array<ArrayBuffer>) {
  const disk = new FaultyDisk();
  const origin = new Origin(fileAnswer(body, { lastModified: YESTERDAY }));
  const proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  await (await proxy.fetch("/x")).bytes();
  await proxy.flights.drained();
  origin.seen.length = 0;
  return {
    disk,
    origin,
    proxy,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

for (const [size, body] of [["small", SMALL], ["large", LARGE]] as const) {
  Deno.test(`a ${size} stored file that cannot be opened comes from upstream, and takes its place`, async () => {
    await using held = await withStored(body);
    held.disk.canOpen = false;
    const response = await held.proxy.fetch("/x");
    assertEquals(response.headers.get("x-cache"), "MISS");
    assertSameBytes(await response.bytes(), body);
    // Asked as if nothing were stored: what cannot be read cannot be vouched for.
    assertEquals(held.origin.seen.map(({ headers }) => headers.get("if-modified-since")), [null]);
    await held.proxy.flights.drained();
    held.disk.canOpen = true;
    const again = await held.proxy.fetch("/x");
    assertEquals(again.headers.get("x-cache"), "HIT");
    assertSameBytes(await again.bytes(), body);
  });
}

Deno.test("a stored file that cannot be opened is passed on where nothing can be stored either", async () => {
  await using held = await withStored(LARGE);
  held.disk.canOpen = false;
  held.disk.canCreate = false;
  // That the disk takes nothing shows when the first bytes are with the client.
  for (const result of ["MISS", "BYPASS"]) {
    const response = await held.proxy.fetch("/x");
    assertEquals(response.headers.get("x-cache"), result);
    assertSameBytes(await response.bytes(), LARGE);
  }
});

Deno.test("a small stored file that cannot be read comes from upstream", async () => {
  await using held = await withStored(SMALL);
  held.disk.canRead = false;
  const response = await held.proxy.fetch("/x");
  assertSameBytes(await response.bytes(), SMALL);
  assertEquals(held.origin.seen.length, 1);
});

Deno.test("a large stored file that cannot be read is a broken transfer, never a short success", async () => {
  await using held = await withStored(LARGE);
  held.disk.canRead = false;
  await assertRejects(async () => await (await held.proxy.fetch("/x")).bytes());
});

Deno.test("with the disk in trouble and no upstream the client is told so", async () => {
  await using held = await withStored(SMALL);
  held.disk.canOpen = false;
  held.origin.answer = () => new Response("sorry", { status: 500 });
  const response = await held.proxy.fetch("/x");
  assertEquals(response.status, 502);
  await response.body?.cancel();
});

Deno.test("a file that is cut while it is read is a broken transfer, and then comes from upstream", async () => {
  await using origin = new Origin(fileAnswer(randomBytes(64 * 1024 * 1024)));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await (await proxy.fetch("/x")).bytes();
  await proxy.settled();
  const reader = (await proxy.fetch("/x")).body?.getReader();
  assert(reader !== undefined);
  await readSome(reader, 1);
  await Deno.truncate(proxy.file("x"), 1000);
  await assertRejects(() => readRest(reader));
  const response = await proxy.fetch("/x");
  // What stands there now is a file like any other that somebody has put there: it is adopted.
  const bytes = await response.bytes();
  assert(bytes.byteLength === 1000 || bytes.byteLength === 64 * 1024 * 1024);
});

Deno.test("a clock that is set back makes a copy stale, not fresh for longer", async () => {
  await using held = await stored();
  held.clock.set(NOON - 24 * HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(await ask(held.proxy), "HIT hello");
  held.clock.advance(HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
});

Deno.test("a clock that leaps ahead makes a copy stale, and no harm comes from its return", async () => {
  await using held = await stored();
  held.clock.set(NOON + 10 * 365 * 24 * HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  held.clock.set(NOON + HOUR);
  assertEquals(await ask(held.proxy), "REVALIDATED hello");
  assertEquals(await ask(held.proxy), "HIT hello");
});

Deno.test("a clock that is set back during a download harms neither it nor the copy", async () => {
  const clock = new ManualClock(NOON);
  await using origin = new Origin((_, request) => {
    clock.set(NOON - HOUR);
    return fileAnswer("hello", { lastModified: YESTERDAY })(
      { method: request.method, target: "/x", headers: request.headers },
      request,
    );
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  assertEquals(await ask(proxy), "MISS hello");
  assertEquals(await ask(proxy), "HIT hello");
});
