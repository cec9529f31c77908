import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Expected } from "../../src/decide/digests/expected.ts";
import { Suspects } from "../../src/fill/suspects.ts";
import { assertSameBytes, HandFedBody, randomBytes, readSome, sha256 } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { PartMirror } from "../support/part_mirror.ts";
import { TestProxy } from "../support/test_proxy.ts";

const MIB = 1024 * 1024;
const BY_NAME = { cache: { digests: [{ match: "^/by/", format: "sha256-path" }] } };

/** The path of a file that says what is in it. */
function pathOf(bytes: Uint8Array): string {
  return `/by/${sha256(bytes)}`;
}

function flippedAt(bytes: Uint8Array, ...places: readonly number[]): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(bytes);
  for (const at of places) other[at] = (other[at] ?? 0) ^ 4;
  return other;
}

Deno.test("a small body that comes slowly goes out after three seconds, but for its last piece", async () => {
  const right = randomBytes(200_000);
  for (const isRight of [true, false]) {
    const body = new HandFedBody();
    await using origin = new Origin(() =>
      new Response(body.stream, { headers: { "content-length": String(right.length) } })
    );
    const clock = new ManualClock(NOON);
    await using proxy = await TestProxy.start({
      upstreams: [{ server: origin.url, name: "m" }],
      clock,
      config: BY_NAME,
    });
    const asking = proxy.fetch(pathOf(right));
    await origin.asked.reaches(1);
    body.give(right.slice(0, 100_000));
    let isAnswered = false;
    void asking.then(() => isAnswered = true);
    while (clock.pending === 0) await settle();
    await settle();
    assert(!isAnswered, "answered before it was checked");
    // Time passes until the hold is over; the mirror is not silent for long enough to be left.
    while (!isAnswered) {
      clock.advance(100);
      await settle();
    }
    const response = await asking;
    const reader = response.body?.getReader();
    assert(reader !== undefined);
    const rest = right.slice(100_000);
    if (!isRight) rest[rest.length - 1] = (rest.at(-1) ?? 0) ^ 1;
    body.give(rest);
    body.end();
    if (isRight) assertSameBytes(await readSome(reader, right.length), right);
    else await assertRejects(() => readSome(reader, right.length));
    await reader.cancel().catch(() => {});
    await proxy.settled();
    assertEquals(proxy.storedKeys().length, isRight ? 1 : 0);
    assertEquals(proxy.counters["m"]?.digestMismatches, isRight ? 0 : 1);
  }
});

Deno.test("a file whose parts come from several mirrors, one of them corrupt, gets right in the end", async () => {
  const right = randomBytes(6 * MIB);
  // Somewhere in each of its parts.
  const places = Array.from({ length: 96 }, (_, n) => n * 65536 + 30_000);
  const mirrors = [
    new PartMirror(right, { lastModified: NOON, turns: 4 }),
    new PartMirror(flippedAt(right, ...places), { lastModified: NOON, losesRaces: true }),
  ];
  const proxy = await TestProxy.start({
    upstreams: mirrors.map(({ url }, at) => ({ server: url, name: `m${at}` })),
    config: {
      ...BY_NAME,
      race: { "segment-threshold": "1MiB", "segment-window": MIB, width: 2 },
    },
  });
  try {
    let got: Uint8Array | null = null;
    for (let tries = 0; got === null && tries < 3; tries++) {
      const response = await proxy.fetch(pathOf(right));
      got = await response.bytes().catch(() => null);
      await proxy.settled();
      if (got === null) assertEquals(proxy.storedKeys(), []);
    }
    assert(got !== null, "never got it");
    assertSameBytes(got, right);
    assertSameBytes(Deno.readFileSync(proxy.file(pathOf(right).slice(1))), right);
  } finally {
    await proxy[Symbol.asyncDispose]();
    for (const mirror of mirrors) await mirror[Symbol.asyncDispose]();
  }
});

Deno.test("an empty file is checked as well, and so is one without a declared length", async () => {
  const right = randomBytes(50_000);
  const empty = new Uint8Array();
  for (const [wanted, given, status] of [[empty, empty, 200], [right, empty, 502]] as const) {
    await using origin = new Origin(() => new Response(new Uint8Array(given)));
    await using proxy = await TestProxy.start({ upstreams: [origin.url], config: BY_NAME });
    assertEquals((await proxy.get(pathOf(wanted))).response.status, status);
  }
  for (const given of [right, flippedAt(right, 40_000)]) {
    await using origin = new Origin(() => new Response(new Blob([given]).stream()));
    await using proxy = await TestProxy.start({ upstreams: [origin.url], config: BY_NAME });
    const { response } = await proxy.get(pathOf(right));
    assertEquals(response.status, given === right ? 200 : 502);
  }
});

Deno.test("who gave a file wrong is remembered for six hours, for what was published then", () => {
  const clock = new ManualClock(NOON);
  const suspects = new Suspects(clock);
  const one: Expected = {
    digests: [{ algorithm: "md5", value: "a" }, { algorithm: "sha1", value: "b" }],
    sizes: [],
    by: "a list",
  };
  const same = { ...one, digests: [...one.digests].reverse(), by: "another one" };
  const other: Expected = { ...one, digests: [{ algorithm: "md5", value: "c" }] };
  suspects.add("/a", "m0", one);
  suspects.add("/a", "m1", same);
  assertEquals([...suspects.of("/a", same)], ["m0", "m1"]);
  assertEquals([...suspects.of("/b", one)], []);
  assertEquals([...suspects.of("/a", other)], []);
  clock.advance(6 * 3_600_000 - 1);
  assertEquals([...suspects.of("/a", one)], ["m0", "m1"]);
  clock.advance(1);
  assertEquals([...suspects.of("/a", one)], []);
  suspects.add("/a", "m2", other);
  assertEquals([...suspects.of("/a", other)], ["m2"]);
});
