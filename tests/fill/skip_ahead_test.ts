import { assertEquals, assertRejects } from "@std/assert";
import type { FillRequest } from "../../src/fill/fill.ts";
import { bytesOf, readAll } from "../support/body.ts";
import { NOON, target } from "../support/facts.ts";
import { FaultyDisk, FaultyDiskProxy } from "../support/faulty_disk.ts";
import { GatedBody } from "../support/gated_body.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";

const SIZE = 64 * 1024 * 1024;
const REQUEST: FillRequest = {
  target: target("/x"),
  known: null,
  revalidates: true,
  byDirectives: null,
  unstorable: null,
  bond: null,
  wantsLead: false,
  alone: false,
};
const NEVER = new AbortController().signal;

/** A fill that has got its first byte, from a mirror whose parts get as far as that, too. */
async function underWay() {
  const whole = new GatedBody([bytesOf("a"), bytesOf("b")]);
  const part = new GatedBody([bytesOf("c"), bytesOf("d")]);
  const origin = new Origin(({ headers }) => {
    const facts = { etag: '"v"' };
    if (headers.get("range") === null) {
      const length = { "content-length": String(SIZE) };
      return new Response(whole.stream, { headers: { ...facts, ...length } });
    }
    const range = { "content-range": `bytes ${SIZE - 2}-${SIZE - 1}/${SIZE}` };
    const length = { "content-length": "2" };
    return new Response(part.stream, { status: 206, headers: { ...facts, ...range, ...length } });
  });
  // No timeout ends anything.
  const clock = new ManualClock(NOON);
  const proxy = await FaultyDiskProxy.start(new FaultyDisk(), [origin.url], clock);
  const fill = proxy.flights.fill(REQUEST);
  await fill.head;
  return {
    flights: proxy.flights,
    origin,
    fill,
    part,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

Deno.test("the end of all flights ends the parts ahead of them, whoever reads them", async () => {
  await using held = await underWay();
  const part = await held.fill.skipTo(SIZE - 2, SIZE, NEVER);
  await held.flights.abortAll();
  await assertRejects(() => readAll(part));
  await held.part.cancelled;
  assertEquals(await held.fill.skipTo(SIZE - 2, SIZE, NEVER), null);
});

Deno.test("a part is no fill, whoever has asked for it may give it up at once", async () => {
  await using held = await underWay();
  const part = await held.fill.skipTo(SIZE - 2, SIZE, NEVER);
  assertEquals(held.flights.underWay, 1);
  await part?.cancel();
  await held.part.cancelled;
  assertEquals(await held.fill.skipTo(SIZE - 2, SIZE, AbortSignal.abort()), null);
  assertEquals([held.origin.seen.length, held.fill.progress.end], [2, null]);
});

Deno.test("what needs no flight has no parts ahead", async () => {
  await using held = await underWay();
  await held.flights.abortAll();
  const refused = held.flights.fill({ ...REQUEST, target: target("/y") });
  assertEquals(await refused.skipTo(SIZE - 2, SIZE, NEVER), null);
});
