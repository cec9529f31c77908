import { assertEquals, assertRejects } from "@std/assert";
import { requestBody } from "../../src/fill/request_body.ts";
import { HandFedBody, textOf } from "../support/body.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const STALL_MS = 15_000;

/** A body that a test feeds, and what becomes of it. */
function sent(declared: number | null) {
  const body = new HandFedBody();
  const clock = new ManualClock();
  const patience = { stallTimeoutMs: STALL_MS, clock };
  return { body, clock, read: requestBody(body.stream, declared, patience) };
}

Deno.test("a small body is sent on whole, however slowly it came in", async () => {
  const { body, clock, read } = sent(6);
  for (const piece of ["he", "ll", "o!"]) {
    await settle();
    clock.advance(STALL_MS - 1);
    body.give(piece);
  }
  body.end();
  const bytes = await read;
  assertEquals(bytes instanceof Uint8Array && textOf(bytes), "hello!");
  assertEquals(clock.pending, 0);
});

for (const declared of [6, null]) {
  Deno.test(`a body of ${declared ?? "unknown"} bytes that does not come is given up`, async () => {
    const { body, clock, read } = sent(declared);
    if (declared !== null) body.give("he");
    const rejected = assertRejects(() => read, Error, "nothing came in 15000 ms");
    await settle();
    clock.advance(STALL_MS);
    await rejected;
    assertEquals([body.cancelled, clock.pending], [true, 0]);
  });
}

Deno.test("a large body is left as the stream that it is", async () => {
  const { body, clock, read } = sent(1024 * 1024 + 1);
  assertEquals(await read, body.stream);
  assertEquals(clock.pending, 0);
});
