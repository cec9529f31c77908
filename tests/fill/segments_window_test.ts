import { assert, assertEquals, assertRejects } from "@std/assert";
import { candidateGroups } from "../../src/decide/candidates.ts";
import { UpstreamError } from "../../src/errors.ts";
import { BodySource } from "../../src/fill/body_source.ts";
import { openBody } from "../../src/fill/open_body.ts";
import { Rivals } from "../../src/fill/rivals.ts";
import { SegmentedBody } from "../../src/fill/segmented_body.ts";
import { Standings } from "../../src/fill/standings.ts";
import { UpstreamClient } from "../../src/fill/upstream_client.ts";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { bodyHead, NOON, target, upstream } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { PartMirror, type PartMirrorFacts } from "../support/part_mirror.ts";

const MIB = 1024 * 1024;
const ALL = randomBytes(6 * MIB);
const WINDOW = MIB;
const DATED: PartMirrorFacts = { lastModified: NOON };

/** A body of which the first mirror gives the first bytes, read by hand; time stands still. */
class Held implements AsyncDisposable {
  readonly clock = new ManualClock(NOON);
  readonly standings = new Standings({ clock: this.clock, random: () => 0.5 });
  /** Bytes that have been read. */
  offset = 0;
  /** The farthest byte that any mirror was asked for, from what had been read by then. */
  farthest = 0;
  readonly mirrors: readonly PartMirror[];
  readonly #clients: ReadonlyMap<string, UpstreamClient>;
  readonly #bytes: Uint8Array[] = [];
  body: SegmentedBody | null = null;

  constructor(facts: readonly PartMirrorFacts[]) {
    const onPart = (_: number, end: number): void => {
      this.farthest = Math.max(this.farthest, end - this.offset);
    };
    this.mirrors = facts.map((it) => new PartMirror(ALL, { onPart, ...it }));
    const options = { userAgent: "", via: "test", headTimeoutMs: 10_000, clock: this.clock };
    this.#clients = new Map(this.mirrors.map(({ url }, at) => [
      `m${at}`,
      new UpstreamClient(upstream({ name: `m${at}`, server: url }), options),
    ]));
  }

  async open(): Promise<SegmentedBody> {
    const { clock, standings } = this;
    const upstreams = this.mirrors.map(({ url: server }, at) =>
      upstream({ name: `m${at}`, server })
    );
    const groups = candidateGroups(target("/x.iso"), upstreams);
    const controller = new AbortController();
    const url = `${this.mirrors[0]?.url}/x.iso`;
    const question = { method: "GET", url, headers: [] };
    const answer = await this.#clientOf("m0").ask(question, controller);
    const size = ALL.byteLength;
    const rules = { declared: size, stallTimeoutMs: 15_000, clock, controller };
    const body = openBody(new BodySource(answer.body, rules), {
      target: target("/x.iso"),
      groups,
      clientOf: (name) => this.#clientOf(name),
      head: bodyHead({ size, etag: null, lastModified: NOON, upstream: "m0" }),
      byDirectives: null,
      stallTimeoutMs: 15_000,
      clock,
      race: { width: 3, byBandwidth: false, standings },
      rivals: new Rivals(groups, standings),
      segments: { thresholdBytes: MIB, windowBytes: WINDOW },
      firstChunkBytes: 0,
      minimumBytesPerSecond: 0,
      buffers: null,
    });
    assert(body instanceof SegmentedBody);
    return this.body = body;
  }

  /** Reads until so many bytes have been read in all, or the end. */
  async readTo(offset: number): Promise<void> {
    while (this.offset < offset) {
      const chunk = await this.body?.read() ?? null;
      if (chunk === null) return;
      assert(chunk.byteLength > 0);
      this.#bytes.push(chunk);
      this.offset += chunk.byteLength;
    }
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await new Blob(this.#bytes as BlobPart[]).arrayBuffer());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.body?.cancel();
    for (const mirror of this.mirrors) await mirror[Symbol.asyncDispose]();
    for (const client of this.#clients.values()) client[Symbol.dispose]();
  }

  #clientOf(name: string): UpstreamClient {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`Cannot find a client for "${name}"`);
    return client;
  }
}

Deno.test("nobody is asked for a segment before the first bytes have been handed out", async () => {
  await using held = new Held([DATED, DATED]);
  const body = await held.open();
  await settle();
  assertEquals(held.mirrors.map(({ requests }) => requests), [1, 0]);
  assert(await body.read() !== null);
  await settle();
  assertEquals(held.mirrors.map(({ requests }) => requests > 0), [true, true]);
});

Deno.test("nothing is fetched farther ahead of the reader than the window", async () => {
  await using held = new Held([{ ...DATED, turns: 2 }, DATED, DATED, DATED]);
  const body = await held.open();
  // A reader that takes long pauses.
  for (let offset = 1; offset < ALL.byteLength; offset += 300_000) {
    await held.readTo(offset);
    await settle();
  }
  await held.readTo(Infinity);
  assertSameBytes(await held.bytes(), ALL);
  assert(held.farthest <= WINDOW, `asked for ${held.farthest} bytes ahead`);
  assert(body.stats.peakBytes <= WINDOW, `held ${body.stats.peakBytes} bytes`);
  // The window is made use of.
  assert(body.stats.peakBytes > WINDOW / 4, `held ${body.stats.peakBytes} bytes only`);
  const given = [...body.stats.bytesBy.values()].reduce((sum, bytes) => sum + bytes, 0);
  assertEquals(given, ALL.byteLength);
});

Deno.test("a reader that stops stops the fetching", async () => {
  await using held = new Held([DATED, DATED, DATED]);
  await held.open();
  await held.readTo(1);
  await settle();
  await settle();
  const asked = held.mirrors.map(({ parts }) => parts.length);
  await settle();
  assertEquals(held.mirrors.map(({ parts }) => parts.length), asked);
  const ahead = held.mirrors.flatMap(({ parts }) => parts).map(([from, end]) => end - from);
  assert(ahead.reduce((sum, bytes) => sum + bytes, 0) <= WINDOW);
});

Deno.test("a mirror is asked for one segment at a time", async () => {
  await using held = new Held([{ ...DATED, turns: 2 }, { ...DATED, turns: 1 }, DATED]);
  await held.open();
  await held.readTo(Infinity);
  // The winner's own response is cut where the segments begin, which it may learn late.
  assertEquals(held.mirrors.slice(1).map(({ mostOpen }) => mostOpen), [1, 1]);
});

Deno.test("who cancels leaves no connection and no timer behind", async () => {
  await using held = new Held([{ ...DATED, turns: 1 }, { ...DATED, turns: 1 }, DATED]);
  const body = await held.open();
  await held.readTo(2 * MIB);
  const reading = body.read();
  body.cancel();
  await reading.catch(() => {});
  await assertRejects(() => body.read(), UpstreamError);
  // Requests that were just being sent take a moment to go.
  for (let turn = 0; turn < 100 && held.clock.pending > 0; turn++) await settle();
  assertEquals(held.clock.pending, 0);
  while (held.mirrors.some(({ open }) => open > 0)) await settle();
  const asked = held.mirrors.map(({ requests }) => requests);
  held.clock.advance(60_000);
  await settle();
  assertEquals(held.mirrors.map(({ requests }) => requests), asked);
});

Deno.test("a mirror that differs is counted, and so is a segment that lags", async () => {
  const lies = [[0, ALL.byteLength]] as const;
  await using held = new Held([{ ...DATED, turns: 3 }, { ...DATED, lies }, DATED]);
  const body = await held.open();
  await held.readTo(Infinity);
  assertSameBytes(await held.bytes(), ALL);
  assertEquals(body.stats.differing, 1);
  assertEquals(body.stats.bytesBy.get("m1"), undefined);
  assertEquals(held.standings.snapshot()["m1"]?.failed.differs, 1);

  let pieces = 0;
  const stalling = { ...DATED, trouble: () => ++pieces > 3 ? "stall" as const : null };
  await using lagging = new Held([{ ...DATED, turns: 3 }, stalling, DATED]);
  const slow = await lagging.open();
  let isDone = false;
  const reading = lagging.readTo(Infinity).finally(() => isDone = true);
  while (!isDone) {
    await settle();
    lagging.clock.advance(100);
  }
  await reading;
  assertSameBytes(await lagging.bytes(), ALL);
  assert(slow.stats.repeated > 0);
});
