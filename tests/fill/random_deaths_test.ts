import { assert, assertEquals } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { forSeeds } from "../support/for_seeds.ts";
import { mortalMirror } from "../support/mortal_mirrors.ts";
import { PartMirror } from "../support/part_mirror.ts";
import { Random } from "../support/random.ts";
import { Relay } from "../support/relay.ts";
import { TestProxy } from "../support/test_proxy.ts";

const KIB = 1024;
const ALL = randomBytes(1536 * KIB);
const RUNS = 200;
const MIRRORS = 4;

/** One run in so many also has a mirror that spoils the ends of its parts. */
const SPOILED_EVERY = 4;

/** Small files in a small window: segments of 64 to 128 KiB, so that there are many joins. */
const SEGMENTED = { "segment-threshold": "256KiB", "segment-window": "1MiB", width: MIRRORS };

const WAYS: readonly [what: string, race: Readonly<Record<string, unknown>>][] = [
  ["with segments", SEGMENTED],
  ["without segments", { segments: "off", width: 2 }],
];

/** What came of all downloads. */
interface Tally {
  complete: number;
  /** How often a host went down. */
  downs: number;
}

/** One download. Fails when a byte is wrong. */
async function run(
  seed: number,
  race: Readonly<Record<string, unknown>>,
  tally: Tally,
): Promise<void> {
  const random = new Random(seed);
  const dead = new Set<number>();
  const facts = Array.from(
    { length: MIRRORS },
    (_, at) =>
      mortalMirror(random, () => dead.add(at), (forMs) => {
        tally.downs++;
        relays[at]?.goDown(forMs);
      }),
  );
  const isSpoiled = race === SEGMENTED && seed % SPOILED_EVERY === 0;
  // Not the first, which is believed when it has won; so it is made to win.
  if (isSpoiled) {
    facts.splice(0, MIRRORS, ...facts.map((it, at) => ({ ...it, losesRaces: at > 0 })));
    facts[0] = { ...facts[0], turns: 5 };
    facts[1] = { ...facts[1], spoilsEndsBy: 1 + random.below(5 * KIB) };
  }
  await using stack = new AsyncDisposableStack();
  const mirrors = facts.map((it) => stack.use(new PartMirror(ALL, it)));
  const relays: Relay[] = mirrors.map(({ url }) => stack.use(new Relay(url)));
  const proxy = stack.use(
    await TestProxy.start({
      upstreams: relays.map(({ url }, at) => ({ server: url, name: `m${at}` })),
      config: { race, fetch: { "head-timeout": "5s", "stall-timeout": "1s" } },
    }),
  );
  const response = await proxy.fetch("/x.iso");
  const bytes = response.status === 200 ? await response.bytes().catch(() => null) : null;
  await response.body?.cancel().catch(() => {});
  await proxy.settled();
  if (bytes === null) {
    await proxy.assertNothingStored();
    // Beside one that spoils, another may be left out for what was not its fault.
    if (!isSpoiled) assertEquals(dead.size, MIRRORS, "given up while a mirror was left");
    return;
  }
  assertSameBytes(bytes, ALL);
  assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
  tally.complete++;
}

for (const [what, race] of WAYS) {
  Deno.test(`while mirrors die and come back, a file ${what} is right or visibly broken`, async () => {
    const tally = { complete: 0, downs: 0 };
    await forSeeds(RUNS, (seed) => run(seed, race, tally));
    assert(tally.complete > RUNS / 2, `only ${tally.complete} of ${RUNS} were complete`);
    assert(tally.downs > RUNS / 4, `hosts went down only ${tally.downs} times`);
  });
}
