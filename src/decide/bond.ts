import type { Listed } from "../types.ts";
import type { Admission } from "./admission.ts";
import type { Candidate } from "./candidates.ts";

/** What its set asks of a file: who may give it, and what it must be. */
export interface Bond {
  readonly from:
    /** One upstream alone. */
    | { readonly kind: "only"; readonly upstream: string }
    /**
     * The set moves: all but these are asked for the whole file, and one that has an older copy than
     * the stored one is no place to move to.
     */
    | { readonly kind: "except"; readonly upstreams: readonly string[] };
  /** null: nobody says what the bytes must be. */
  readonly listed: Listed | null;
}

/** Those candidates that the bond allows, in their groups. */
export function bondedGroups(
  groups: readonly (readonly Candidate[])[],
  bond: Bond | null,
): readonly (readonly Candidate[])[] {
  if (bond === null) return groups;
  const { from } = bond;
  const isAllowed = ({ upstream: { name } }: Candidate): boolean =>
    from.kind === "only" ? name === from.upstream : !from.upstreams.includes(name);
  return groups.map((group) => group.filter(isAllowed)).filter((group) => group.length > 0);
}

/** What an answer is good for where a bond holds. */
export function admitBonded(admission: Admission, bond: Bond | null): Admission {
  if (bond === null || admission.kind === "refuse") return admission;
  if (admission.kind === "not-modified") {
    if (bond.from.kind === "only" || admission.reason === "304") return admission;
    return refuse("an older copy than the stored one");
  }
  const { size } = admission.head;
  const listed = bond.listed?.size ?? null;
  if (listed === null || size === null || size === listed) return admission;
  return refuse(`${size} bytes, not the ${listed} that the head of its set lists`);
}

function refuse(detail: string): Admission {
  return { kind: "refuse", reason: { kind: "differs", detail } };
}
