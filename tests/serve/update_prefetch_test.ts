import { assertEquals } from "@std/assert";
import type { Outcome } from "../../src/cache/outcome.ts";
import { UpdatePrefetch } from "../../src/server/update_prefetch.ts";
import { entry, NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

const DAY_MS = 24 * 3_600_000;
const QUIET_MS = 10_000;

/** A prefetcher over a cache that has everything at once. */
function bench() {
  const clock = new ManualClock(NOON);
  const used = new Map<string, number>();
  const asked: string[] = [];
  const state = { downloads: 0 };
  const updates = new UpdatePrefetch({
    cache: () => ({
      get({ target: { key } }): Promise<Outcome> {
        asked.push(key);
        const progress = {
          written: 5,
          end: { kind: "stored", entry: entry({ key }) } as const,
          changed: () => Promise.resolve(),
        };
        return Promise.resolve(
          { kind: "filling", fill: { progress }, head: { size: 5, upstream: "m" } } as Outcome,
        );
      },
    }),
    lastUsed: (key) => used.get(key) ?? null,
    downloads: () => state.downloads,
    clock,
  });
  return { clock, used, asked, state, updates };
}

/** Lets looks and fetches happen until nothing more comes of it. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await settle();
  }
}

const OLD = "/debian/pool/h/hello_1.0_amd64.deb";
const NEW = "/debian/pool/h/hello_1.1_amd64.deb";

Deno.test("an update of what was asked for lately is fetched in a quiet time, once", async () => {
  const { clock, used, asked, state, updates } = bench();
  used.set(OLD, NOON - DAY_MS);
  state.downloads = 1;
  const unused = ["/debian/pool/x/x_1_all.deb", "/debian/pool/x/x_2_all.deb"] as const;
  await updates.listed({ before: [OLD, unused[0]], after: [NEW, unused[1], "/debian/README"] });
  await updates.listed({ before: [OLD], after: [NEW] });
  await pass(clock, 60_000);
  assertEquals([asked, updates.waiting], [[], 1]);
  state.downloads = 0;
  await pass(clock, QUIET_MS);
  await waitFor(() => updates.counts.stored === 1);
  assertEquals([asked, updates.waiting, updates.counts], [[NEW], 0, { stored: 1, failed: 0 }]);
});

Deno.test("what was never listed before, is old, older or long out of use, is not fetched", async () => {
  const { clock, used, asked, updates } = bench();
  used.set(OLD, NOON - 31 * DAY_MS);
  used.set(NEW, NOON);
  await updates.listed({ before: [], after: [OLD, NEW] });
  await updates.listed({ before: [OLD], after: [NEW] });
  await updates.listed({ before: [NEW], after: [OLD] });
  await pass(clock, 60_000);
  assertEquals([asked, updates.waiting, clock.pending], [[], 0, 0]);
});

Deno.test("of several new versions the newest is fetched; nobody's use of it leads to no other", async () => {
  const { clock, used, asked, updates } = bench();
  const version = (it: string): string => `/npm/left-pad/-/left-pad-${it}.tgz`;
  used.set(version("1.0.0"), NOON);
  const before = [version("1.0.0")];
  const after = ["1.0.0", "1.1.0", "1.10.0", "1.9.0", "2.0.0-beta.1"].map(version);
  await updates.listed({ before, after });
  await pass(clock, 2 * QUIET_MS);
  await waitFor(() => updates.counts.stored === 1);
  assertEquals(asked, [version("1.10.0")]);
  used.clear();
  // As the index has it: stored then, and not asked for since.
  used.set(version("1.10.0"), NOON + 1);
  await updates.listed({ before: after, after: [...after, version("1.11.0")] });
  await pass(clock, 2 * QUIET_MS);
  assertEquals(asked.length, 1);
  used.set(version("1.10.0"), clock.now());
  await updates.listed({ before: after, after: [...after, version("1.11.0")] });
  await pass(clock, 2 * QUIET_MS);
  await waitFor(() => updates.counts.stored === 2);
  assertEquals(asked, [version("1.10.0"), version("1.11.0")]);
});

Deno.test("after the end nothing more is begun", async () => {
  const { clock, used, asked, updates } = bench();
  used.set(OLD, NOON);
  await updates.listed({ before: [OLD], after: [NEW] });
  updates.stop();
  await pass(clock, 60_000);
  assertEquals([asked, clock.pending], [[], 0]);
});

/** The progress of a fetch is told in real time. */
async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => setTimeout(resolve));
}
