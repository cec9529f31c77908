import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../src/errors.ts";
import { BodySource } from "../../src/fill/body_source.ts";
import type { FailureReason } from "../../src/types.ts";
import { bytesOf, HandFedBody, textOf } from "../support/body.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const STALL_MS = 1000;

/** A source over a body fed by hand. Nothing but the source itself tells the body of an abort. */
function sourceOf(declared: number | null) {
  const body = new HandFedBody();
  const clock = new ManualClock();
  const controller = new AbortController();
  const source = new BodySource(body.stream, {
    declared,
    stallTimeoutMs: STALL_MS,
    clock,
    controller,
  });
  return { source, body, clock, controller };
}

async function reasonOf(failing: () => Promise<unknown>): Promise<FailureReason> {
  return (await assertRejects(failing, UpstreamError)).reason;
}

async function text(source: BodySource): Promise<string> {
  let all = "";
  for (;;) {
    const chunk = await source.read();
    if (chunk === null) return all;
    all += textOf(chunk);
  }
}

Deno.test("a body of the declared length ends well, and again when asked again", async () => {
  const { source, body, clock } = sourceOf(5);
  body.give("hel");
  body.give("");
  body.give("lo");
  body.end();
  assertEquals(await text(source), "hello");
  assertEquals(await source.read(), null);
  assertEquals(clock.pending, 0);
});

Deno.test("no body at all is an empty one", async () => {
  const clock = new ManualClock();
  const rules = { stallTimeoutMs: 1, clock, controller: new AbortController() };
  for (const declared of [null, 0]) {
    assertEquals(await new BodySource(null, { ...rules, declared }).read(), null);
  }
  const source = new BodySource(null, { ...rules, declared: 5 });
  assertEquals(await reasonOf(() => source.read()), {
    kind: "short-body",
    received: 0,
    declared: 5,
  });
});

Deno.test("a short body fails, and keeps failing", async () => {
  const { source, body, controller } = sourceOf(5);
  body.give("hel");
  body.end();
  assertEquals(textOf(await source.read() ?? new Uint8Array()), "hel");
  const reason: FailureReason = { kind: "short-body", received: 3, declared: 5 };
  assertEquals(await reasonOf(() => source.read()), reason);
  assertEquals(await reasonOf(() => source.read()), reason);
  assert(controller.signal.aborted);
});

Deno.test("a long body fails at the first byte too many", async () => {
  const { source, body, controller } = sourceOf(5);
  body.give("hello");
  body.give("!");
  assertEquals(textOf(await source.read() ?? new Uint8Array()), "hello");
  assertEquals(await reasonOf(() => source.read()), { kind: "long-body", declared: 5 });
  assertEquals(await reasonOf(() => source.read()), { kind: "long-body", declared: 5 });
  assert(controller.signal.aborted);
});

Deno.test("a connection that breaks is a short body where a length was declared", async () => {
  const sized = sourceOf(5);
  sized.body.fail(new TypeError("reset"));
  assertEquals((await reasonOf(() => sized.source.read())).kind, "short-body");
  const unsized = sourceOf(null);
  unsized.body.fail(new TypeError("reset"));
  assertEquals((await reasonOf(() => unsized.source.read())).kind, "network");
});

Deno.test("a failure while reading ahead is no end to whoever reads afterwards", async () => {
  const { source, body } = sourceOf(5);
  const ahead = source.readAhead(5);
  body.give("hel");
  await settle();
  body.fail(new TypeError("reset"));
  await assertRejects(() => ahead, UpstreamError);
  assertEquals(textOf(await source.read() ?? new Uint8Array()), "hel");
  assertEquals((await reasonOf(() => source.read())).kind, "short-body");
});

Deno.test("what was given up never looks like an end", async () => {
  const { source, body, clock } = sourceOf(null);
  body.give("hel");
  assertEquals(textOf(await source.read() ?? new Uint8Array()), "hel");
  source.cancel();
  assertEquals(await reasonOf(() => source.read()), { kind: "aborted" });
  assertEquals(clock.pending, 0);
});

Deno.test("a body that has ended well stays ended when it is given up", async () => {
  const { source, body } = sourceOf(null);
  body.end();
  assertEquals(await source.read(), null);
  source.cancel();
  assertEquals(await source.read(), null);
});

Deno.test("reading ahead stops at the bytes asked for, at the end, and when somebody reads", async () => {
  const enough = sourceOf(null);
  const first = enough.source.readAhead(4);
  enough.body.give("hel");
  enough.body.give("lo,");
  await first;
  enough.body.give(" wo");
  enough.body.end();
  assertEquals(await text(enough.source), "hello, wo");

  const whole = sourceOf(3);
  const second = whole.source.readAhead(100);
  whole.body.give("hel");
  whole.body.end();
  await second;
  assertEquals(await text(whole.source), "hel");

  const taken = sourceOf(null);
  const third = taken.source.readAhead(100);
  const read = taken.source.read();
  taken.body.give("hel");
  await third;
  assertEquals(textOf(await read ?? new Uint8Array()), "hel");
});

Deno.test("what was read ahead does not wait for what is still being read ahead", async () => {
  const { source, body } = sourceOf(null);
  const ahead = source.readAhead(100);
  body.give("hel");
  await settle();
  assertEquals(textOf(await source.read() ?? new Uint8Array()), "hel");
  const reading = source.read();
  body.give("lo");
  assertEquals(textOf(await reading ?? new Uint8Array()), "lo");
  await ahead;
  body.end();
  assertEquals(await source.read(), null);
});

Deno.test("a read that waits too long fails, and the request is aborted", async () => {
  const { source, clock, controller } = sourceOf(5);
  const reading = source.read();
  clock.advance(STALL_MS - 1);
  assert(!controller.signal.aborted);
  clock.advance(1);
  assertEquals(await reasonOf(() => reading), { kind: "stalled", afterMs: STALL_MS });
  assertEquals(await reasonOf(() => source.read()), { kind: "stalled", afterMs: STALL_MS });
  assertEquals(clock.pending, 0);
});

Deno.test("an abort ends a pending read and gives the body up, whatever the platform does", async () => {
  const { source, body, controller } = sourceOf(null);
  const reading = source.read();
  controller.abort(new UpstreamError({ kind: "aborted" }));
  assertEquals(await reasonOf(() => reading), { kind: "aborted" });
  assert(body.cancelled);
});

Deno.test("each chunk gives the next one all of the time", async () => {
  const { source, body, clock } = sourceOf(null);
  for (let chunk = 0; chunk < 10; chunk++) {
    const reading = source.read();
    clock.advance(STALL_MS - 1);
    body.give("x");
    assertEquals(textOf(await reading ?? new Uint8Array()), "x");
  }
  const reading = source.read();
  clock.advance(STALL_MS - 1);
  body.end();
  assertEquals(await reading, null);
});

Deno.test("a pause of the reader is no stall of the upstream", async () => {
  const { source, body, clock, controller } = sourceOf(null);
  body.give("x");
  await source.read();
  clock.advance(100 * STALL_MS);
  assert(!controller.signal.aborted);
  const reading = source.read();
  clock.advance(STALL_MS - 1);
  body.give("y");
  assertEquals(textOf(await reading ?? new Uint8Array()), "y");
});

Deno.test("a body that nobody reads on leaves no timer behind", async () => {
  const { source, body, clock, controller } = sourceOf(null);
  body.give("hello");
  await source.readAhead(5);
  // It has lost its race after all.
  controller.abort(new UpstreamError({ kind: "aborted" }));
  assertEquals(clock.pending, 0);
  assertEquals(
    await reasonOf(async () => {
      for (;;) await source.read();
    }),
    { kind: "aborted" },
  );
});

Deno.test("two that read ahead at once never read the upstream at once", async () => {
  const pieces = ["ab", "cd", "ef"];
  let reading = 0;
  let most = 0;
  const body = {
    async read() {
      most = Math.max(most, ++reading);
      await settle();
      reading--;
      const piece = pieces.shift();
      return piece === undefined ? null : bytesOf(piece);
    },
    cancel: () => Promise.resolve(),
  };
  const clock = new ManualClock();
  const rules = { declared: 6, stallTimeoutMs: STALL_MS, clock };
  const source = new BodySource(body, { ...rules, controller: new AbortController() });
  await Promise.all([source.readAhead(4), source.readAhead(7)]);
  assertEquals([most, source.isWhole, source.ahead.map(textOf).join("")], [1, true, "abcdef"]);
});
