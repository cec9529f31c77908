import { assert, assertEquals, assertRejects } from "@std/assert";
import { formatHttpDate } from "../../src/decide/http_date.ts";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes, readRest, readSome, textOf } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { Gate, settle } from "../support/gate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";

const MIB = 1024 * 1024;
const ALL = randomBytes(20 * MIB);

async function assertNothingStored(proxy: FaultyDiskProxy, path = "/x"): Promise<void> {
  await proxy.flights.drained();
  assertEquals(proxy.partials(), []);
  assertEquals(proxy.storage.find(path), null);
}

Deno.test("FIELD: disk full: the client gets all bytes, nothing is stored, the next one starts afresh", async () => {
  const disk = new FaultyDisk();
  await using origin = new Origin(fileAnswer(ALL));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  for (const room of [0, 1, 5 * MIB + 7, ALL.byteLength - 1]) {
    disk.room = room;
    const response = await proxy.fetch("/x");
    assertSameBytes(await response.bytes(), ALL);
    await assertNothingStored(proxy);
  }
  disk.room = Infinity;
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), ALL);
  await proxy.flights.drained();
  const hit = await proxy.fetch("/x");
  assertEquals(hit.headers.get("x-cache"), "HIT");
  assertSameBytes(await hit.bytes(), ALL);
});

Deno.test("FIELD: disk full: who joins before the first byte is written gets every byte as well", async () => {
  const disk = new FaultyDisk();
  const writing = new Gate();
  disk.room = 0;
  disk.writesAfter = writing.opened;
  const body = ALL.slice(0, 300_000);
  await using origin = new Origin(fileAnswer(body));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const leader = await proxy.fetch("/x");
  const joiners = [proxy.fetch("/x"), proxy.fetch("/x")];
  await settle();
  writing.open();
  for (const response of [leader, ...await Promise.all(joiners)]) {
    assertSameBytes(await response.bytes(), body);
  }
  await assertNothingStored(proxy);
});

Deno.test("FIELD: disk full: who follows the file gets the rest from upstream", async () => {
  const disk = new FaultyDisk();
  const room = 3 * MIB;
  disk.room = room;
  const sending = new Gate();
  await using origin = new Origin(({ headers }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "") ?? [];
    const fields = new Headers({ etag: '"v"', "content-length": String(ALL.byteLength) });
    if (from === undefined) {
      return new Response(heldAt(ALL, room, sending.opened), { headers: fields });
    }
    const part = ALL.slice(Number(from), Number(to) + 1);
    fields.set("content-length", String(part.byteLength));
    fields.set("content-range", `bytes ${from}-${to}/${ALL.byteLength}`);
    return new Response(part, { status: 206, headers: fields });
  });
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const leader = await proxy.fetch("/x");
  const joiners = await Promise.all([proxy.fetch("/x"), proxy.fetch("/x"), proxy.fetch("/x")]);
  assertEquals(joiners.map(({ headers }) => headers.get("x-cache")), Array(3).fill("JOINED"));
  sending.open();
  const bodies = [leader, ...joiners].map((response) => response.bytes());
  for (const body of await Promise.all(bodies)) assertSameBytes(body, ALL);
  await assertNothingStored(proxy);
});

/** A body that comes up to a byte at once, and the rest when it may. */
function heldAt(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  then: Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      if (sent === at) await then;
      if (sent === bytes.byteLength) return controller.close();
      const end = Math.min(sent + 64 * 1024, sent < at ? at : bytes.byteLength);
      controller.enqueue(bytes.slice(sent, end));
      sent = end;
    },
  }, { highWaterMark: 0 });
}

Deno.test("FIELD: disk full: a file that cannot even be created is passed on", async () => {
  const disk = new FaultyDisk();
  disk.canCreate = false;
  await using origin = new Origin(fileAnswer("hello", { etag: '"v"' }));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  // A small body is with its client before it is stored, so the trouble shows from the second on.
  for (const result of ["MISS", "BYPASS", "BYPASS"]) {
    const response = await proxy.fetch("/x");
    assertEquals(response.headers.get("x-cache"), result);
    assertEquals([await response.text(), response.headers.get("content-length")], ["hello", "5"]);
    await proxy.flights.drained();
  }
  const range = await proxy.fetch("/x", { headers: { range: "bytes=1-2" } });
  assertEquals([range.status, await range.text()], [200, "hello"]);
  const known = await proxy.fetch("/x", { headers: { "if-none-match": '"v"' } });
  assertEquals([known.status, await known.text()], [304, ""]);
  await assertNothingStored(proxy);
});

Deno.test("FIELD: disk full: many clients of what cannot be stored each get all of it", async () => {
  const disk = new FaultyDisk();
  disk.canCreate = false;
  const body = randomBytes(300_000);
  await using origin = new Origin(fileAnswer(body));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const answers = await Promise.all(Array.from({ length: 20 }, () => proxy.fetch("/x")));
  for (const answer of answers) assertSameBytes(await answer.bytes(), body);
  await assertNothingStored(proxy);
});

Deno.test("FIELD: disk full: a file that cannot be published has been sent all the same", async () => {
  const disk = new FaultyDisk();
  disk.canPublish = false;
  for (const isSized of [true, false]) {
    await using origin = new Origin(() =>
      new Response(isSized ? ALL : ReadableStream.from([ALL]), {
        headers: isSized ? { "content-length": String(ALL.byteLength) } : {},
      })
    );
    await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
    const leader = await proxy.fetch("/x");
    const joiners = [await proxy.fetch("/x"), await proxy.fetch("/x")];
    const all = await Promise.all([leader, ...joiners].map((response) => response.bytes()));
    for (const bytes of all) assertSameBytes(bytes, ALL);
    await assertNothingStored(proxy);
  }
});

Deno.test("disk full: the leader that follows the file reads on, and to the end", async () => {
  const disk = new FaultyDisk();
  disk.room = 15 * MIB;
  await using origin = new Origin(fileAnswer(ALL));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const response = await proxy.fetch("/x");
  // So long has the client taken nothing that the fill has left it behind, and met its end.
  while (disk.room > 0) await settle();
  assertSameBytes(await response.bytes(), ALL);
  await assertNothingStored(proxy);
});

Deno.test("disk full without a leader: one reader gets the rest, the others break, none gets less", async () => {
  const disk = new FaultyDisk();
  disk.room = 100_000;
  const pieces = [ALL.slice(0, 100_000), ALL.slice(100_000, 200_000), ALL.slice(200_000, 300_000)];
  const body = new GatedBody(pieces);
  const expected = ALL.slice(0, 300_000);
  await using origin = new Origin(() =>
    new Response(body.stream, { headers: { "content-length": "300000" } })
  );
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const range = await proxy.fetch("/x", { headers: { range: "bytes=10-299999" } });
  const joiners = [await proxy.fetch("/x"), await proxy.fetch("/x")];
  const readers = [range, ...joiners].map(({ body }) => {
    if (body === null) throw new Error("There is no body");
    return body.getReader();
  });
  const reading = readers.map(async (reader) => {
    const first = await readSome(reader, 90_000);
    return { first, rest: await readRest(reader).catch(() => null) };
  });
  body.release();
  body.release();
  const got = await Promise.all(reading);
  assertEquals(got.filter(({ rest }) => rest !== null).length, 1);
  for (const [index, { first, rest }] of got.entries()) {
    const start = index === 0 ? 10 : 0;
    const bytes = new Uint8Array([...first, ...rest ?? []]);
    assertSameBytes(
      bytes,
      expected.slice(start, rest === null ? start + bytes.byteLength : 300_000),
    );
  }
  await assertNothingStored(proxy);
  assertEquals(origin.seen.length, 1);
});

Deno.test("disk full without any reader: the request is given up after a while", async () => {
  const disk = new FaultyDisk();
  disk.room = 100_001;
  const clock = new ManualClock();
  const pieces = [ALL.slice(0, 100_000), ALL.slice(100_000, 200_000), ALL.slice(0, 10)];
  const body = new GatedBody([...pieces, ALL.slice(0, 1)]);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url], clock);
  const response = await proxy.fetch("/x", { headers: { range: "bytes=0-1" } });
  assertEquals([response.status, await response.bytes()], [206, ALL.slice(0, 2)]);
  body.release();
  while (disk.room > 0) await settle();
  body.release();
  await settle();
  assertEquals(proxy.flights.underWay, 1);
  clock.advance(15_000);
  await assertNothingStored(proxy);
  await body.cancelled;
});

Deno.test("disk full: a range of unknown length that waits for the end gets the whole", async () => {
  const disk = new FaultyDisk();
  disk.room = 10;
  const body = new GatedBody([ALL.slice(0, 20), ALL.slice(20, 40), ALL.slice(40, 50)]);
  await using origin = new Origin(() => new Response(body.stream));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  const asking = proxy.fetch("/x", { headers: { range: "bytes=-5" } });
  await origin.asked.reaches(1);
  while (disk.room > 0) await settle();
  body.release();
  body.release();
  const response = await asking;
  assertEquals(response.status, 200);
  assertSameBytes(await response.bytes(), ALL.slice(0, 50));
  await assertNothingStored(proxy);
});

Deno.test("disk full: an old copy stays, and is served again", async () => {
  const disk = new FaultyDisk();
  const clock = new ManualClock(NOON);
  await using origin = new Origin(fileAnswer("stored", { lastModified: NOON - 60_000 }));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url], clock);
  await (await proxy.fetch("/x")).text();
  await proxy.flights.drained();
  clock.advance(3_600_000);
  disk.room = 2;
  origin.answer = fileAnswer("newer!", { lastModified: NOON });
  assertEquals(await (await proxy.fetch("/x")).text(), "newer!");
  await proxy.flights.drained();
  origin.answer = () => new Response("no", { status: 500 });
  const stale = await proxy.fetch("/x");
  assertEquals([await stale.text(), stale.headers.get("x-cache")], ["stored", "STALE"]);
  assertEquals(stale.headers.get("last-modified"), formatHttpDate(NOON - 60_000));
});

Deno.test("a body that breaks off after the disk was full breaks its last reader", async () => {
  const disk = new FaultyDisk();
  disk.room = 3;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  await using origin = new Origin(() => new Response(readable));
  await using proxy = await FaultyDiskProxy.start(disk, [origin.url]);
  void writer.write(new TextEncoder().encode("hello")).catch(() => {});
  const reader = (await proxy.fetch("/x")).body?.getReader();
  assert(reader !== undefined);
  assertEquals(textOf(await readSome(reader, 5)), "hello");
  await writer.abort(new Error("broken by the test"));
  await assertRejects(() => readRest(reader));
  await assertNothingStored(proxy);
});
