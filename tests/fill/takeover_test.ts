import { assert, assertEquals, assertRejects } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { rangeMirror, type RangeMirrorFacts } from "../support/range_mirror.ts";
import { TestProxy, type TestProxyOptions } from "../support/test_proxy.ts";

const ALL = randomBytes(4 * 1024 * 1024);
const DATED: RangeMirrorFacts = { lastModified: NOON };

/** Mirrors of which the first one is always the first to be asked. */
async function mirrors(
  facts: readonly (RangeMirrorFacts & { readonly all?: Uint8Array<ArrayBuffer> })[],
  options: Partial<TestProxyOptions> = {},
) {
  const origins = facts.map((it) => new Origin(rangeMirror(it.all ?? ALL, it)));
  const upstreams = origins.map(({ url }, at) => ({
    server: url,
    name: `m${at}`,
    "priority-groups": [{ match: "", priority: -at }],
  }));
  const proxy = await TestProxy.start({ upstreams, ...options });
  return {
    proxy,
    origins,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      for (const origin of origins) await origin[Symbol.asyncDispose]();
    },
  };
}

/** The ranges that a mirror was asked for; `-` for a request without one. */
function ranges(origin: Origin | undefined): string[] {
  return origin?.seen.map(({ headers }) => headers.get("range") ?? "-") ?? [];
}

async function assertGetsAll(proxy: TestProxy): Promise<void> {
  const response = await proxy.fetch("/x.iso");
  assertSameBytes(await response.bytes(), ALL);
  await proxy.settled();
  assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
}

for (const share of [0.1, 0.5, 0.99]) {
  Deno.test(`a mirror that breaks off at ${share} of the body is taken over from`, async () => {
    const breakAt = Math.floor(ALL.byteLength * share);
    await using held = await mirrors([{ ...DATED, breakAt }, DATED]);
    await assertGetsAll(held.proxy);
    // What was compared lies before the break.
    assertEquals(ranges(held.origins[1]), [`bytes=${breakAt - 64 * 1024}-`]);
  });
}

Deno.test("a mirror that stalls in the body is taken over from after the stall timeout", async () => {
  const clock = new ManualClock(NOON);
  await using held = await mirrors([{ ...DATED, breakAt: 2e6, how: "stall" }, DATED], { clock });
  const getting = assertGetsAll(held.proxy);
  await held.origins[0]?.asked.reaches(1);
  while (held.origins[1]?.seen.length === 0) {
    clock.advance(1000);
    await settle();
  }
  await getting;
});

Deno.test("an equal strong ETag joins two mirrors without dates", async () => {
  await using held = await mirrors([{ etag: '"v1"', breakAt: 2e6 }, { etag: '"v1"' }]);
  await assertGetsAll(held.proxy);
});

Deno.test("a mirror that knows no ranges sends the whole, and what was there is skipped", async () => {
  await using held = await mirrors([{ ...DATED, breakAt: 2e6 }, { ...DATED, takesRanges: false }]);
  await assertGetsAll(held.proxy);
});

Deno.test("a mirror that broke off is asked again when there is no other, by its own ETag", async () => {
  await using held = await mirrors([{ etag: '"v1"', breakAt: 2e6, troubles: 1 }]);
  await assertGetsAll(held.proxy);
  assertEquals(held.origins[0]?.seen.map(({ headers }) => headers.get("if-range")), [null, '"v1"']);
});

Deno.test("a body may change hands many times", async () => {
  const facts = [1, 2, 3, 4].map((at) => ({ ...DATED, breakAt: at * 900_000 }));
  await using held = await mirrors([...facts, DATED]);
  await assertGetsAll(held.proxy);
});

const other = ALL.slice();
other.fill(0, 1_960_000, 1_960_010);

const NEVER_JOINED: [what: string, first: RangeMirrorFacts, next: RangeMirrorFacts][] = [
  ["other dates", DATED, { lastModified: NOON + 1000 }],
  ["other ETags", { etag: '"v1"' }, { etag: '"v2"' }],
  ["weak ETags", { etag: 'W/"v1"' }, { etag: 'W/"v1"' }],
  ["no validators", {}, {}],
  ["a coding of its own", DATED, { ...DATED, headers: { "content-encoding": "gzip" } }],
];

for (const [what, first, next] of NEVER_JOINED) {
  Deno.test(`bytes of two mirrors with ${what} are never joined`, async () => {
    await using held = await mirrors([{ ...first, breakAt: 2e6 }, next]);
    const response = await held.proxy.fetch("/x.iso");
    await assertRejects(() => response.bytes());
    await held.proxy.assertNothingStored();
  });
}

Deno.test("bytes of two mirrors that differ before the break are never joined", async () => {
  await using held = await mirrors([{ ...DATED, breakAt: 2e6 }, { ...DATED, all: other }]);
  const response = await held.proxy.fetch("/x.iso");
  await assertRejects(() => response.bytes());
  await held.proxy.assertNothingStored();
});

Deno.test("bytes of two mirrors with other lengths are never joined", async () => {
  const longer = randomBytes(ALL.byteLength + 1);
  longer.set(ALL);
  await using held = await mirrors([{ ...DATED, breakAt: 2e6 }, { ...DATED, all: longer }]);
  const response = await held.proxy.fetch("/x.iso");
  await assertRejects(() => response.bytes());
  await held.proxy.assertNothingStored();
});

Deno.test("mirrors that give nothing new are no help, and the transfer ends", async () => {
  await using held = await mirrors([{ ...DATED, breakAt: 2e6 }, { ...DATED, breakAt: 2e6 }]);
  const response = await held.proxy.fetch("/x.iso");
  await assertRejects(() => response.bytes());
  await held.proxy.assertNothingStored();
  assert(held.origins.every(({ seen }) => seen.length < 110));
});

Deno.test("joiners and ranges notice nothing of a takeover", async () => {
  const clock = new ManualClock(NOON);
  await using held = await mirrors([{ ...DATED, breakAt: 2e6, how: "stall" }, DATED], { clock });
  const leading = held.proxy.fetch("/x.iso").then((it) => it.bytes());
  await held.origins[0]?.asked.reaches(1);
  const joining = held.proxy.fetch("/x.iso").then((it) => it.bytes());
  const range = { headers: { range: "bytes=3000000-3000999" } };
  const ranging = held.proxy.fetch("/x.iso", range).then((it) => it.bytes());
  while (held.origins[1]?.seen.length === 0) {
    clock.advance(1000);
    await settle();
  }
  assertSameBytes(await leading, ALL);
  assertSameBytes(await joining, ALL);
  assertSameBytes(await ranging, ALL.subarray(3_000_000, 3_001_000));
});
