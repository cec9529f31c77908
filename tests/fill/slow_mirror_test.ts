import { assert, assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../src/errors.ts";
import { BodySource } from "../../src/fill/body_source.ts";
import type { Continued } from "../../src/fill/continue_body.ts";
import { type Break, ResumableBody } from "../../src/fill/resumable_body.ts";
import { Rivals } from "../../src/fill/rivals.ts";
import { Standings } from "../../src/fill/standings.ts";
import { bytesOf, HandFedBody, textOf } from "../support/body.ts";
import { bodyHead, upstream } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const MINIMUM = 1_000;
const NEVER_MS = 10_000_000;

/** A body from mirror a, which mirror b may take over. */
class HeldBody {
  readonly clock = new ManualClock();
  readonly standings = new Standings({ clock: this.clock, random: () => 0.5 });
  readonly a = new HandFedBody();
  readonly b = new HandFedBody();
  readonly body: ResumableBody;
  readonly rivals: Rivals;
  /** Where and why b was asked. */
  readonly breaks: Break[] = [];
  /** Whether b goes on when it is asked. */
  isAble = true;
  /** Called while b is being asked. */
  whileAsked: () => Promise<void> = () => Promise.resolve();

  constructor({ names = ["a", "b"], size = 1_000_000, minimum = MINIMUM } = {}) {
    const candidates = names.map((name) => ({ upstream: upstream({ name }), url: "" }));
    this.rivals = new Rivals([candidates], this.standings);
    this.body = new ResumableBody(
      this.#source(this.a),
      bodyHead({ upstream: "a", size }),
      (at) => this.#takeOver(at),
      { clock: this.clock, minimumBytesPerSecond: minimum, rivals: this.rivals },
    );
  }

  /** Gives so many bytes a second for some seconds, to a reader that waits for them. */
  async run(bytesPerSecond: number, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      const reading = this.body.read();
      await settle();
      this.clock.advance(999);
      this.a.give(new Uint8Array(bytesPerSecond));
      await reading;
      this.clock.advance(1);
    }
  }

  /** Gives nothing for two seconds, to a reader that waits; what it gets then. */
  async pause(): Promise<string> {
    const reading = this.body.read();
    await settle();
    this.clock.advance(2_000);
    return textOf(await reading ?? new Uint8Array());
  }

  #source(body: HandFedBody): BodySource {
    return new BodySource(body.stream, {
      declared: null,
      stallTimeoutMs: NEVER_MS,
      clock: this.clock,
      controller: new AbortController(),
    });
  }

  async #takeOver(at: Break): Promise<Continued | null> {
    this.breaks.push(at);
    if (at.failure.reason.kind === "slow") this.rivals.leave(at.upstream);
    await this.whileAsked();
    if (this.isAble) {
      return { upstream: "b", source: this.#source(this.b), first: bytesOf("first of b") };
    }
    this.rivals.drop("b");
    return null;
  }
}

Deno.test("a mirror that gives less than the minimum for 20 s is left for another one", async () => {
  const held = new HeldBody();
  await held.run(MINIMUM - 100, 20);
  assertEquals(held.breaks.length, 0);
  assertEquals(await held.pause(), "first of b");
  const [at] = held.breaks;
  assert(at?.failure instanceof UpstreamError);
  assertEquals([at.upstream, at.offset], ["a", 20 * (MINIMUM - 100)]);
  assert(at.failure.reason.kind === "slow");
  assertEquals(at.failure.reason.expectedBytesPerSecond, MINIMUM);
  assert(held.a.cancelled);
  held.b.give("more of b");
  assertEquals(textOf(await held.body.read() ?? new Uint8Array()), "more of b");
  held.body.cancel();
  assertEquals(held.clock.pending, 0);
});

Deno.test("a mirror that keeps the minimum stays, and so does one without any minimum", async () => {
  for (const [rate, minimum] of [[MINIMUM, MINIMUM], [1, 0]] as const) {
    const held = new HeldBody({ minimum });
    await held.run(rate, 30);
    assertEquals(held.breaks.length, 0);
    held.body.cancel();
  }
});

Deno.test("without another mirror a slow one goes on", async () => {
  const alone = new HeldBody({ names: ["a"] });
  await alone.run(10, 30);
  assertEquals(alone.breaks.length, 0);
  alone.body.cancel();
  const dropped = new HeldBody();
  dropped.rivals.drop("b");
  await dropped.run(10, 30);
  assertEquals(dropped.breaks.length, 0);
  dropped.body.cancel();
});

Deno.test("a mirror that is left out is no other mirror", async () => {
  const held = new HeldBody();
  for (let n = 0; n < 10; n++) held.standings.breakerOf("b").failed();
  await held.run(10, 30);
  assertEquals(held.breaks.length, 0);
  held.body.cancel();
});

Deno.test("a reader that takes its time does not make a mirror slow", async () => {
  const held = new HeldBody();
  for (let n = 0; n < 100; n++) {
    held.a.give(new Uint8Array(10));
    assertEquals((await held.body.read())?.byteLength, 10);
    // The reader does not ask for more meanwhile.
    held.clock.advance(5_000);
  }
  assertEquals(held.breaks.length, 0);
  held.body.cancel();
});

Deno.test("when no other one can go on the slow one does, and loses no byte", async () => {
  const held = new HeldBody();
  held.isAble = false;
  held.whileAsked = async () => {
    held.a.give("late");
    await settle();
  };
  await held.run(10, 20);
  assertEquals(await held.pause(), "late");
  assertEquals([held.breaks.length, held.a.cancelled], [1, false]);
  // It is not tried again and again.
  for (let second = 0; second < 60; second++) {
    held.a.give("x");
    assertEquals(textOf(await held.body.read() ?? new Uint8Array()), "x");
    held.clock.advance(1_000);
  }
  assertEquals(held.breaks.length, 1);
  held.a.end();
  held.body.cancel();
});

Deno.test("bytes that come while another one is asked are not given twice", async () => {
  const held = new HeldBody();
  held.whileAsked = async () => {
    held.a.give("late bytes of a");
    await settle();
  };
  await held.run(10, 20);
  assertEquals(await held.pause(), "first of b");
  held.body.cancel();
});

Deno.test("a mirror at under a quarter of a known rate is left after some seconds", async () => {
  for (const [rate, isLeft] of [[24_000, true], [26_000, false]] as const) {
    const held = new HeldBody();
    held.standings.scores.observeBody("b", 100_000, 1_000, false);
    await held.run(rate, 6);
    assertEquals(held.breaks.length, 0);
    held.a.give("more of a");
    const next = textOf(await held.body.read() ?? new Uint8Array());
    assertEquals(next, isLeft ? "first of b" : "more of a");
    held.body.cancel();
  }
});

Deno.test("of a body that cannot be gone on with nobody is too slow", async () => {
  const clock = new ManualClock();
  const standings = new Standings({ clock, random: () => 0.5 });
  const candidates = ["a", "b"].map((name) => ({ upstream: upstream({ name }), url: "" }));
  const body = new HandFedBody();
  const rules = { declared: null, stallTimeoutMs: NEVER_MS, clock };
  const source = new BodySource(body.stream, { ...rules, controller: new AbortController() });
  const head = bodyHead({ upstream: "a", etag: null, lastModified: null });
  const pace = {
    clock,
    minimumBytesPerSecond: MINIMUM,
    rivals: new Rivals([candidates], standings),
  };
  const resumable = new ResumableBody(source, head, () => Promise.resolve(null), pace);
  const reading = resumable.read();
  clock.advance(60_000);
  body.give("x");
  assertEquals(textOf(await reading ?? new Uint8Array()), "x");
  resumable.cancel();
});

Deno.test("a cancel while another one is asked ends the body", async () => {
  const held = new HeldBody();
  held.whileAsked = () => {
    held.body.cancel();
    return Promise.resolve();
  };
  await held.run(10, 20);
  await assertRejects(() => held.pause(), UpstreamError);
  assertEquals(held.clock.pending, 0);
});
