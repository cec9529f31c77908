import type { PartMirrorFacts } from "./part_mirror.ts";
import { NOON } from "./facts.ts";
import type { Random } from "./random.ts";

/** A death comes after so many pieces on average, and … */
const MIN_LIFE_PIECES = 10;
const MAX_LIFE_PIECES = 110;

/** … is over when so many requests have met it. */
const MAX_DEAD_REQUESTS = 3;

/** One death in so many is silent. */
const STALL_EVERY = 10;

/**
 * A mirror that dies at random moments, all of its bodies at once, and is back after some more
 * requests.
 *
 * @param onDeath Called at each death.
 */
export function mortalMirror(random: Random, onDeath: () => void): PartMirrorFacts {
  const lives = MIN_LIFE_PIECES + random.below(MAX_LIFE_PIECES - MIN_LIFE_PIECES);
  let deadFor = 0;
  return {
    lastModified: NOON,
    turns: 1 + random.below(3),
    trouble(): "cut" | "stall" | null {
      if (deadFor > 0) return "cut";
      if (random.below(lives) > 0) return null;
      onDeath();
      deadFor = random.below(MAX_DEAD_REQUESTS + 1);
      return random.below(STALL_EVERY) === 0 ? "stall" : "cut";
    },
    refuses: () => deadFor-- > 0 ? 503 : null,
  };
}
