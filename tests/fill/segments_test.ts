import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { PartMirror, type PartMirrorFacts } from "../support/part_mirror.ts";
import { TestProxy, type TestProxyOptions } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;
const ALL = randomBytes(4 * MIB);
const OVERLAP = 4 * 1024;

/** In such a window segments have 64 to 128 KiB. */
const WINDOW = MIB;
const RACE = { "segment-threshold": "1MiB", "segment-window": WINDOW };
const DATED: PartMirrorFacts = { lastModified: NOON };

/** A winner that does not have it all before the others have begun. */
const SLOW: PartMirrorFacts = { ...DATED, turns: 4 };

/** Of these the first one always wins the race. */
async function start(
  facts: readonly PartMirrorFacts[],
  { config = {}, ...options }: Partial<TestProxyOptions> = {},
) {
  const mirrors = facts.map((it, at) => new PartMirror(ALL, { losesRaces: at > 0, ...it }));
  const upstreams = mirrors.map(({ url }, at) => ({ server: url, name: `m${at}` }));
  const proxy = await TestProxy.start({
    upstreams,
    config: { race: { ...RACE, width: facts.length }, ...config },
    ...options,
  });
  return {
    proxy,
    mirrors,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      for (const mirror of mirrors) await mirror[Symbol.asyncDispose]();
    },
  };
}

async function assertGetsAll(proxy: TestProxy): Promise<void> {
  const response = await proxy.fetch("/x.iso");
  assertEquals(response.headers.get("content-length"), String(ALL.byteLength));
  assertSameBytes(await response.bytes(), ALL);
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
}

async function assertBreaks(proxy: TestProxy): Promise<void> {
  const response = await proxy.fetch("/x.iso");
  await assertRejects(() => response.bytes());
  await proxy.assertNothingStored();
}

Deno.test("four mirrors give one file together, each a part of it", async () => {
  await using held = await start([DATED, DATED, DATED, DATED].map((it) => ({ ...it, turns: 1 })));
  await assertGetsAll(held.proxy);
  for (const [at, { parts, sentBytes }] of held.mirrors.entries()) {
    assert(parts.length > 1, `m${at} was asked for ${parts.length} parts`);
    assert(sentBytes < ALL.byteLength / 2, `m${at} sent ${sentBytes}`);
  }
  const sent = held.mirrors.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  // What is compared, what the winner had sent already where the segments began, and what lagged.
  assert(sent < ALL.byteLength * 1.25, `${sent} bytes for ${ALL.byteLength}`);
});

Deno.test("each part begins 4 KiB before the one that it follows ends", async () => {
  // While no time passes nothing lags, to be asked for again from where it is.
  const clock = new ManualClock(NOON);
  await using held = await start([SLOW, { ...DATED, turns: 1 }], { clock });
  await assertGetsAll(held.proxy);
  const parts = held.mirrors.flatMap((it) => it.parts);
  const ends = new Set(parts.map(([, end]) => end));
  let following = 0;
  for (const [from] of parts) {
    const start = from + OVERLAP;
    if (ends.has(start)) following++;
    // What was before any other came in the winner's own response.
    const within = parts.find(([other, end]) => other + OVERLAP < start && start < end);
    assertEquals(within, undefined, `a part from ${from} begins within another`);
  }
  assert(following > parts.length / 2, `${following} of ${parts.length} follow another part`);
});

Deno.test("a faster mirror gives more of the file", async () => {
  await using held = await start([
    { ...DATED, turns: 8 },
    { ...DATED, turns: 1 },
    { ...DATED, turns: 8 },
  ]);
  await assertGetsAll(held.proxy);
  const [first, fast, slow] = held.mirrors.map(({ sentBytes }) => sentBytes);
  assert(fast !== undefined && first !== undefined && slow !== undefined);
  assert(fast > 1.5 * first && fast > 1.5 * slow, `${first}, ${fast}, ${slow}`);
});

for (
  const [what, config] of [
    ["switched off", { race: { ...RACE, segments: "off" } }],
    ["below the threshold", { race: { "segment-threshold": ALL.byteLength + 1 } }],
    ["without a threshold", { race: { "segment-threshold": 0 } }],
  ] as const
) {
  Deno.test(`one mirror gives the whole of a file, segments being ${what}`, async () => {
    await using held = await start([DATED, DATED], { config });
    await assertGetsAll(held.proxy);
    assertEquals(held.mirrors.map(({ requests }) => requests), [1, 1]);
    assertEquals(held.mirrors.map(({ parts }) => parts.length), [0, 0]);
  });
}

Deno.test("a file that no validator describes comes from one mirror", async () => {
  await using held = await start([{}, {}]);
  await assertGetsAll(held.proxy);
  assertEquals(held.mirrors.map(({ parts }) => parts.length), [0, 0]);
});

Deno.test("a mirror of a lower priority gives no segments", async () => {
  await using held = await start([DATED, DATED]);
  const [first, second] = held.mirrors;
  assert(first !== undefined && second !== undefined);
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: first.url, name: "m0", "priority-groups": [{ match: "", priority: 1 }] },
      { server: second.url, name: "m1" },
    ],
    config: { race: RACE },
  });
  await assertGetsAll(proxy);
  assertEquals(second.requests, 0);
});

/** What takes a mirror out of a file whose winner is honest; how it is, and what it is then asked. */
const OUT: [what: string, facts: PartMirrorFacts][] = [
  ["another date", { lastModified: NOON + 1000 }],
  ["no date", {}],
  ["a coding of its own", { ...DATED, headers: { "content-encoding": "gzip" } }],
  ["the whole for a part", { ...DATED, ignoresRanges: true }],
  ["an error", { ...DATED, refuses: () => 404 }],
  ["other bytes", { ...DATED, lies: [[0, ALL.byteLength]] }],
];

for (const [what, facts] of OUT) {
  Deno.test(`a mirror with ${what} gives nothing of the file, and is not asked on`, async () => {
    await using held = await start([SLOW, { turns: 1, ...facts }, { ...DATED, turns: 1 }]);
    await assertGetsAll(held.proxy);
    const [, out, good] = held.mirrors;
    assert(out !== undefined && out.parts.length <= 8, `asked for ${out?.parts.length} parts`);
    assert(good !== undefined && good.parts.length > out.parts.length);
  });
}

Deno.test("equal strong ETags will do without dates, and each mirror is held to its own", async () => {
  const tagged = { etag: '"v1"', turns: 1 };
  await using held = await start([tagged, tagged]);
  await assertGetsAll(held.proxy);
  assert(held.mirrors.every(({ parts }) => parts.length > 1));
});

Deno.test("parts that are shorter than asked for are never joined", async () => {
  await using held = await start([SLOW, { ...DATED, shortensPartsBy: 100 }, DATED]);
  await assertGetsAll(held.proxy);
});

Deno.test("with a winner that nobody agrees with, all comes from the winner", async () => {
  const lying = { ...DATED, lies: [[0, ALL.byteLength]] as const };
  await using held = await start([SLOW, lying, lying]);
  await assertGetsAll(held.proxy);
});

for (const spoilsEndsBy of [1, OVERLAP]) {
  Deno.test(`${spoilsEndsBy} wrong bytes at the end of a segment never reach the client`, async () => {
    const spoiling = { ...DATED, spoilsEndsBy };
    await using held = await start([SLOW, spoiling, { ...DATED, turns: 2 }]);
    await assertGetsAll(held.proxy);
    await using both = await start([SLOW, spoiling, spoiling]);
    await assertGetsAll(both.proxy);
  });
}

Deno.test("a mirror that breaks off in every part is made up for by the others", async () => {
  let pieces = 0;
  const breaking = { ...DATED, trouble: () => ++pieces % 3 === 0 ? "cut" as const : null };
  await using held = await start([SLOW, breaking, { ...DATED, turns: 1 }]);
  await assertGetsAll(held.proxy);
});

for (const share of [0.01, 0.5, 0.99]) {
  Deno.test(`the winner may die at ${share} of the file, for good`, async () => {
    const dieAt = ALL.byteLength * share;
    let isDead = false;
    const dying: PartMirrorFacts = {
      ...DATED,
      turns: 1,
      trouble(at) {
        isDead ||= at >= dieAt;
        return isDead ? "cut" : null;
      },
      refuses: () => isDead ? 503 : null,
    };
    await using held = await start([dying, { ...DATED, turns: 1 }, { ...DATED, turns: 1 }]);
    await assertGetsAll(held.proxy);
  });
}

Deno.test("when one mirror is left, the file is completed from it", async () => {
  let pieces = 0;
  const dying = (): PartMirrorFacts => ({
    ...DATED,
    turns: 1,
    trouble: () => ++pieces > 40 ? "cut" : null,
    refuses: () => pieces > 40 ? 503 : null,
  });
  await using held = await start([dying(), dying(), { ...DATED, turns: 1 }]);
  await assertGetsAll(held.proxy);
});

Deno.test("when no mirror is left, the transfer breaks", async () => {
  let pieces = 0;
  const dying = (): PartMirrorFacts => ({
    ...DATED,
    trouble: () => ++pieces > 60 ? "cut" : null,
    refuses: () => pieces > 60 ? 503 : null,
  });
  await using held = await start([dying(), dying(), dying()]);
  await assertBreaks(held.proxy);
});

Deno.test("a segment that stalls is asked again elsewhere, long before the stall timeout", async () => {
  const clock = new ManualClock(NOON);
  let pieces = 0;
  const stalling = { ...DATED, trouble: () => ++pieces > 6 ? "stall" as const : null };
  await using held = await start([SLOW, stalling, { ...DATED, turns: 1 }], { clock });
  let isDone = false;
  const getting = assertGetsAll(held.proxy).finally(() => isDone = true);
  let waitedMs = 0;
  for (; !isDone; waitedMs += 100) {
    await settle();
    clock.advance(100);
  }
  await getting;
  assert(waitedMs < 12_000, `waited ${waitedMs} ms`);
});

Deno.test("a winner that stalls at its first bytes is cut off, and the others go on", async () => {
  const clock = new ManualClock(NOON);
  const stalling = { ...DATED, trouble: (at: number) => at > 0 ? "stall" as const : null };
  await using held = await start([stalling, DATED, DATED], { clock });
  let isDone = false;
  const getting = assertGetsAll(held.proxy).finally(() => isDone = true);
  let waitedMs = 0;
  for (; !isDone; waitedMs += 100) {
    await settle();
    clock.advance(100);
  }
  await getting;
  assert(waitedMs < 12_000, `waited ${waitedMs} ms`);
});

Deno.test("joiners and ranges read the one growing file", async () => {
  await using held = await start([DATED, DATED, DATED].map((it) => ({ ...it, turns: 1 })));
  const leading = held.proxy.fetch("/x.iso").then((it) => it.bytes());
  const joining = held.proxy.fetch("/x.iso").then((it) => it.bytes());
  const range = { headers: { range: "bytes=3000000-3000999" } };
  const ranging = held.proxy.fetch("/x.iso", range).then((it) => it.bytes());
  assertSameBytes(await leading, ALL);
  assertSameBytes(await joining, ALL);
  assertSameBytes(await ranging, ALL.subarray(3_000_000, 3_001_000));
});

Deno.test("a race by bandwidth goes before the segments", async () => {
  const config = { misc: { "first-chunk-bytes": "1MiB" }, race: RACE };
  await using held = await start([{ ...DATED, turns: 1 }, { ...DATED, turns: 1 }], { config });
  await assertGetsAll(held.proxy);
  const starts = held.mirrors.flatMap(({ parts }) => parts.map(([from]) => from));
  // What the race has brought is not fetched again.
  assert(starts.length > 0 && Math.min(...starts) >= MIB - OVERLAP, `${starts}`);
});
