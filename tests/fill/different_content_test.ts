import { assert, assertEquals, assertRejects } from "@std/assert";
import { randomBytes, sha256 } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { forSeeds } from "../support/for_seeds.ts";
import { mortalMirror } from "../support/mortal_mirrors.ts";
import { PartMirror, type PartMirrorFacts } from "../support/part_mirror.ts";
import { Random } from "../support/random.ts";
import { TestProxy } from "../support/test_proxy.ts";

const SIZE = 1536 * 1024;
const ONE = randomBytes(SIZE, 1);
const OTHER = randomBytes(SIZE, 2);
const RUNS = 12;

/** Where one mirror for good stops giving anything. */
const DEATH_SHARES = [0.05, 0.5, 0.97];

const WAYS = {
  "with segments": { "segment-threshold": "256KiB", "segment-window": "1MiB", width: 4 },
  "without segments": { segments: "off", width: 2 },
};

/** What two mirrors with one name and length, and different bytes, say of them. */
const VALIDATORS: readonly [what: string, one: PartMirrorFacts, other: PartMirrorFacts][] = [
  ["different dates", { lastModified: NOON }, { lastModified: NOON + 1000 }],
  ["different ETags", { etag: '"v1"' }, { etag: '"v2"' }],
  ["the same date", { lastModified: NOON }, { lastModified: NOON }],
  ["the same ETag", { etag: '"v1"' }, { etag: '"v1"' }],
  ["the same weak ETag", { etag: 'W/"v1"' }, { etag: 'W/"v1"' }],
  ["no validators", {}, {}],
];

type Mirrors = readonly (readonly [all: Uint8Array<ArrayBuffer>, facts: PartMirrorFacts])[];

async function startAll(mirrors: Mirrors, race: Readonly<Record<string, unknown>>) {
  const stack = new AsyncDisposableStack();
  const urls = mirrors.map(([all, facts]) => stack.use(new PartMirror(all, facts)).url);
  const upstreams = urls.map((server, at) => ({ server, name: `m${at}` }));
  const fetch = { "head-timeout": "5s", "stall-timeout": "1s" };
  const proxy = stack.use(await TestProxy.start({ upstreams, config: { race, fetch } }));
  return { proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** One mirror's bytes, all of them, or a visible break; whether it was the former. */
async function getsOneOrBreaks(proxy: TestProxy): Promise<boolean> {
  const response = await proxy.fetch("/x.iso");
  const bytes = response.status === 200 ? await response.bytes().catch(() => null) : null;
  await response.body?.cancel().catch(() => {});
  await proxy.settled();
  if (bytes === null) {
    await proxy.assertNothingStored();
    return false;
  }
  const got = sha256(bytes);
  assert([sha256(ONE), sha256(OTHER)].includes(got), "bytes of two files were joined");
  assertEquals(sha256(await Deno.readFile(proxy.file("x.iso"))), got);
  return true;
}

for (const [what, one, other] of VALIDATORS) {
  for (const [way, race] of Object.entries(WAYS)) {
    Deno.test(`two files under one name, with ${what}, are never joined ${way}, whatever fails`, async () => {
      await forSeeds(RUNS, async (seed) => {
        const random = new Random(seed);
        const mirrors = [one, other, one, other].map((facts, at) => {
          const { lastModified: _, ...mortal } = mortalMirror(random, () => {}, () => {});
          return [at % 2 === 0 ? ONE : OTHER, { ...mortal, ...facts }] as const;
        });
        await using held = await startAll(mirrors, race);
        await getsOneOrBreaks(held.proxy);
      });
      await using calm = await startAll([[ONE, one], [OTHER, other]], race);
      assert(await getsOneOrBreaks(calm.proxy), "not complete though nothing failed");
    });

    for (const how of ["cut", "stall"] as const) {
      Deno.test(`when the one mirror with a file fails (${how}), the other one, with ${what}, gives no rest ${way}`, async () => {
        await Promise.all(DEATH_SHARES.map(async (share) => {
          let isDead = false;
          const dying: PartMirrorFacts = {
            ...one,
            turns: 1,
            trouble: (at) => {
              isDead ||= at >= SIZE * share;
              return isDead ? how : null;
            },
            refuses: () => isDead ? 503 : null,
          };
          const rest = { ...other, losesRaces: true, turns: 1 };
          await using held = await startAll([[ONE, dying], [OTHER, rest]], race);
          const response = await held.proxy.fetch("/x.iso");
          await assertRejects(() => response.bytes());
          await held.proxy.assertNothingStored();
        }));
      });
    }
  }
}
