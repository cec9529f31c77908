import { assertEquals, assertRejects } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes, textOf } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { RawClient } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;

/** All that is left on a connection, without the head. */
async function bodyOf(client: RawClient): Promise<Uint8Array<ArrayBuffer>> {
  const all = await client.receive(Infinity);
  const head = textOf(all.slice(0, 4096)).indexOf("\r\n\r\n");
  return all.slice(head + 4);
}

Deno.test("a leader that reads nothing delays nobody, and then reads all of it", async () => {
  const all = randomBytes(40 * MIB);
  await using origin = new Origin(fileAnswer(all));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  using slow = await RawClient.connect(proxy.port);
  await slow.send("GET /x HTTP/1.1", "Host: x", "Connection: close");
  await origin.asked.reaches(1);
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), all);
  await proxy.stored("/x");
  assertSameBytes(await bodyOf(slow), all);
  assertEquals(origin.seen.length, 1);
});

Deno.test("a slow reader keeps the copy that it began with, though a newer one has taken its place", async () => {
  const older = randomBytes(30 * MIB, 1);
  const newer = randomBytes(30 * MIB, 2);
  const clock = new ManualClock(NOON);
  await using origin = new Origin(fileAnswer(older, { lastModified: NOON - 60_000 }));
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const clients: RawClient[] = [];
  const ask = async (range?: string): Promise<void> => {
    const client = await RawClient.connect(proxy.port);
    const rangeLines = range === undefined ? [] : [`Range: ${range}`];
    await client.send("GET /x HTTP/1.1", "Host: x", "Connection: close", ...rangeLines);
    clients.push(client);
  };
  // A leader and a joiner of the fill, and two that read what is stored.
  await ask();
  await origin.asked.reaches(1);
  await ask();
  await proxy.stored("/x");
  await ask();
  await ask(`bytes=${MIB}-`);
  // Their answers have begun when another one on the same way has ended.
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), older);
  // Set and not advanced: a client that takes nothing for so long would be cut.
  clock.set(NOON + 3_600_000);
  origin.answer = fileAnswer(newer, { lastModified: NOON });
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), newer);
  await proxy.settled();
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), newer);
  for (const [index, client] of clients.entries()) {
    assertSameBytes(await bodyOf(client), index === 3 ? older.slice(MIB) : older);
    client[Symbol.dispose]();
  }
});

Deno.test("of several ranges none comes from another copy than the first", async () => {
  const older = randomBytes(30 * MIB, 1);
  const newer = randomBytes(30 * MIB, 2);
  const clock = new ManualClock(NOON);
  await using origin = new Origin(fileAnswer(older, { lastModified: NOON - 60_000 }));
  await using proxy = await TestProxy.start({ upstreams: [origin.url], clock });
  const headers = { range: `bytes=0-${15 * MIB},${16 * MIB}-` };
  // One that follows the fill and one that reads what is stored; both are stuck in their first part.
  const filling = await proxy.fetch("/x", { headers });
  await proxy.stored("/x");
  const stored = await proxy.fetch("/x", { headers });
  // Set and not advanced: a client that takes nothing for so long would be cut.
  clock.set(NOON + 3_600_000);
  origin.answer = fileAnswer(newer, { lastModified: NOON });
  assertSameBytes(await (await proxy.fetch("/x")).bytes(), newer);
  await proxy.settled();
  for (const response of [filling, stored]) {
    assertEquals(response.status, 206);
    await assertRejects(() => response.bytes());
  }
});
