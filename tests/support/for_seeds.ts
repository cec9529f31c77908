/** Runs at a time: most of a run is waiting. */
const LANES = 12;

/**
 * Runs once for each seed from 1 to `count`, several at a time. Fails with the first seed that does,
 * and only when no run is under way any more.
 */
export async function forSeeds(count: number, run: (seed: number) => Promise<void>): Promise<void> {
  let next = 1;
  async function lane(): Promise<void> {
    while (next <= count) {
      const seed = next++;
      try {
        await run(seed);
      } catch (error) {
        next = Infinity;
        throw new Error(`Failed with seed ${seed}`, { cause: error });
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: LANES }, lane));
  for (const it of ended) if (it.status === "rejected") throw it.reason;
}
