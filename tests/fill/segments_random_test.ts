import { assert } from "@std/assert";
import { assertSameBytes, randomBytes } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { PartMirror, type PartMirrorFacts } from "../support/part_mirror.ts";
import { Random } from "../support/random.ts";
import { TestProxy } from "../support/test_proxy.ts";

const KIB = 1024;
const ALL = randomBytes(3 * 1024 * KIB);
const RUNS = 120;
const MIRRORS = 4;

/** One run in so many also has a mirror that spoils the ends of its parts. */
const SPOILED_EVERY = 4;

/** Small files in a small window: segments of 64 and 128 KiB, so that there are many joins. */
const CONFIG = {
  race: { "segment-threshold": "256KiB", "segment-window": "1MiB", width: MIRRORS },
  fetch: { "head-timeout": "1s", "stall-timeout": "300ms" },
};

/** A mirror that dies at random moments, and is back after some more requests. */
function mortal(random: Random): PartMirrorFacts {
  const lives = 20 + random.below(200);
  let deadFor = 0;
  return {
    lastModified: NOON,
    turns: 1 + random.below(3),
    trouble(): "cut" | "stall" | null {
      if (random.below(lives) > 0) return null;
      deadFor = random.below(4);
      return random.below(10) === 0 ? "stall" : "cut";
    },
    refuses: () => deadFor-- > 0 ? 503 : null,
  };
}

/** What came of one download: whether it was complete. Fails when a byte is wrong. */
async function run(seed: number): Promise<boolean> {
  const random = new Random(seed);
  const facts = Array.from({ length: MIRRORS }, () => mortal(random));
  // Not the first, which is believed when it has won; so it is made to win.
  if (seed % SPOILED_EVERY === 0) {
    facts.splice(0, MIRRORS, ...facts.map((it, at) => ({ ...it, losesRaces: at > 0 })));
    facts[0] = { ...facts[0], turns: 5 };
    facts[1] = { ...facts[1], spoilsEndsBy: 1 + random.below(5 * KIB) };
  }
  await using stack = new AsyncDisposableStack();
  const mirrors = facts.map((it) => stack.use(new PartMirror(ALL, it)));
  const proxy = stack.use(
    await TestProxy.start({
      upstreams: mirrors.map(({ url }, at) => ({ server: url, name: `m${at}` })),
      config: CONFIG,
    }),
  );
  const response = await proxy.fetch("/x.iso");
  if (response.status !== 200) {
    await response.body?.cancel();
    return false;
  }
  const bytes = await response.bytes().catch(() => null);
  await proxy.settled();
  if (bytes === null) {
    await proxy.assertNothingStored();
    return false;
  }
  assertSameBytes(bytes, ALL);
  assertSameBytes(await Deno.readFile(proxy.file("x.iso")), ALL);
  return true;
}

Deno.test("while mirrors die and come back, a file is complete and right, or visibly broken", async () => {
  let complete = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      if (await run(seed)) complete++;
    } catch (error) {
      throw new Error(`Failed with seed ${seed}`, { cause: error });
    }
  }
  assert(complete > RUNS / 2, `only ${complete} of ${RUNS} were complete`);
});
