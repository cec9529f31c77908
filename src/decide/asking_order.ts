import type { Candidate } from "./candidates.ts";

/**
 * Whom to ask for a part of a body that one upstream has begun to give: that one alone at first,
 * since what it sends fits most surely; then the others by priority. Who has failed in the middle of
 * the part comes last, and may be back by then.
 *
 * @param failed null: nobody has.
 */
export function askingOrder(
  groups: readonly (readonly Candidate[])[],
  begunBy: string,
  failed: string | null,
): readonly (readonly Candidate[])[] {
  const named = (name: string | null) =>
    groups.flat().filter(({ upstream }) => upstream.name === name);
  const others = groups.map((group) =>
    group.filter(({ upstream }) => upstream.name !== begunBy && upstream.name !== failed)
  );
  const first = begunBy === failed ? [] : named(begunBy);
  return [first, ...others, named(failed)].filter((group) => group.length > 0);
}
