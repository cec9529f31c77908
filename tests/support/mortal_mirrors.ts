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

/** One death in so many takes the whole host with it, for a random time below this. */
const DOWN_EVERY = 3;
const MAX_DOWN_MS = 30;

/**
 * A mirror that dies at random moments, all of its bodies at once, and is back after some more
 * requests; or its host does, so that nobody can connect for a moment.
 *
 * @param onDeath Called at each death.
 * @param goDown Closes the listener and all connections for so many milliseconds.
 */
export function mortalMirror(
  random: Random,
  onDeath: () => void,
  goDown: (forMs: number) => void,
): PartMirrorFacts {
  const lives = MIN_LIFE_PIECES + random.below(MAX_LIFE_PIECES - MIN_LIFE_PIECES);
  let deadFor = 0;
  return {
    lastModified: NOON,
    turns: 1 + random.below(3),
    trouble(): "cut" | "stall" | null {
      if (deadFor > 0) return "cut";
      if (random.below(lives) > 0) return null;
      onDeath();
      if (random.below(DOWN_EVERY) === 0) {
        goDown(random.below(MAX_DOWN_MS));
        return "cut";
      }
      deadFor = random.below(MAX_DEAD_REQUESTS + 1);
      return random.below(STALL_EVERY) === 0 ? "stall" : "cut";
    },
    refuses: () => deadFor-- > 0 ? 503 : null,
  };
}
