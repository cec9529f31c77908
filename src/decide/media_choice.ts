import type { HeaderList, VariantRule } from "../types.ts";

/** A longer `Accept` counts as none: each one that differs makes a copy of its own. */
const MAX_ACCEPT_UNITS = 2048;

/** RFC 9110 section 12.5.1: what a request without `Accept` says. */
const ANYTHING = "*/*";

const IF_NEED_BE = `${ANYTHING};q=0.1`;

/** A media range, and how much it is wanted: 0 to 1. */
interface Wanted {
  readonly type: string;
  readonly quality: number;
}

/**
 * The `Accept` by which a form of a path is chosen: what the upstream gets to see, and what the copy
 * is known by. The same for all requests that are to have the same form.
 *
 * Of the types that a rule lists, the one that the client names and wants most; of equals the one
 * that is listed first. A client that names none of them (any type, or no `Accept` at all) gets the
 * first that it has not ruled out; so the first is to be what the upstream itself gives then.
 *
 * Behind the type stands that anything will do: where there is but one form a strict upstream would
 * refuse it otherwise, though the client takes that one, too.
 *
 * null: the client leaves it to us, and its own `Accept` would be passed on.
 */
export function chosenAccept(
  { accept }: Pick<VariantRule, "accept">,
  request: HeaderList,
): string | null {
  const lines = request.filter(([name]) => name === "accept").map(([, line]) => line);
  const field = lines.join(",");
  const wanted = field.length > MAX_ACCEPT_UNITS ? [] : parsedAccept(field);
  if (accept === "pass") return normalised(wanted);
  let best: Wanted | null = null;
  for (const type of accept) {
    const quality = qualityOf(type, wanted) ?? 0;
    if (quality > (best?.quality ?? 0)) best = { type, quality };
  }
  const type = best?.type ?? accept.find((type) => isLetIn(type, wanted)) ?? accept[0];
  return type === undefined ? null : `${type}, ${IF_NEED_BE}`;
}

/** What the client says of just this type; null: nothing. */
function qualityOf(type: string, wanted: readonly Wanted[]): number | null {
  return wanted.find((it) => it.type === type.toLowerCase())?.quality ?? null;
}

function isLetIn(type: string, wanted: readonly Wanted[]): boolean {
  if (qualityOf(type, wanted) === 0) return false;
  const ranges = [`${type.toLowerCase().replace(/\/.*$/s, "")}/*`, ANYTHING];
  return wanted.some((it) => ranges.includes(it.type) && it.quality > 0);
}

/** Order and spaces mean nothing in the field, so that clients that differ in them share a copy. */
function normalised(wanted: readonly Wanted[]): string | null {
  const members = wanted.map(({ type, quality }) => quality === 1 ? type : `${type};q=${quality}`);
  const field = [...new Set(members)].sort().join(", ");
  return field === "" || field === ANYTHING ? null : field;
}

/** Parameters other than the weight stay with the type. */
function parsedAccept(field: string): Wanted[] {
  return field.split(",").flatMap((member): Wanted[] => {
    const parts = member.split(";").map((part) => part.trim().toLowerCase());
    const weight = parts.find((part) => /^q\s*=/.test(part))?.replace(/^q\s*=\s*/, "");
    const type = parts.filter((part) => part !== "" && !/^q\s*=/.test(part)).join(";");
    if (type === "" || !type.includes("/")) return [];
    const quality = Number(weight ?? 1);
    return [{ type, quality: quality >= 0 && quality <= 1 ? quality : 0 }];
  });
}
