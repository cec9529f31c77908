/**
 * The shape of the config file's section `cache`.
 *
 * @module
 */

import { z } from "zod";
import { isAnchorName } from "./checks.ts";
import { digestSchema, variantSchema } from "./rules_schema.ts";
import { byteSize, duration, durationOr, flag, freeSpace, pattern, text } from "./scalars.ts";

/** An error status: RFC 9110 sections 15.5 and 15.6. */
const ERROR_STATUS_SHAPE = "[45][0-9]{2}";
const ERROR_STATUS = new RegExp(`^${ERROR_STATUS_SHAPE}$`);

const refreshAfter = durationOr({ never: "never", upstream: "upstream" });
const staleIfError = durationOr({ always: null, never: 0 });
const staleWhileRevalidate = duration();
const negative = z.record(
  text(
    "an error status from 400 to 599",
    (it) => ERROR_STATUS.test(it),
    `^${ERROR_STATUS_SHAPE}$`,
  ),
  duration(),
);

function sizeLimit(): z.ZodType<number, number | string> {
  return byteSize("a size from 1 up, or no such key for no limit", 1, Number.MAX_SAFE_INTEGER);
}

/** One entry of `cache.policies`. */
const policy = z.strictObject({
  match: pattern().describe("Regular expression on the path."),
  "refresh-after": refreshAfter.optional()
    .describe("As `cache.timeout`, which counts without it."),
  "stale-if-error": staleIfError.optional()
    .describe("As `cache.stale-if-error`, which counts without it."),
  "stale-while-revalidate": staleWhileRevalidate.optional()
    .describe("As `cache.stale-while-revalidate`, which counts without it."),
  negative: negative.optional()
    .describe("As `cache.negative`, which counts without it and not besides it."),
});

/** One entry of `cache.sets`. */
const set = z.strictObject({
  match: pattern()
    .refine((it) => it.hasGroup("1"), { error: "expected a group, since that names the set" })
    .describe("Regular expression on the path; its first group names the set."),
  anchor: z.array(text("the name of a file, in which * is any characters", isAnchorName))
    .min(1, { error: "expected at least one name" })
    .describe("Names of the files that head a set, the preferred one first."),
});

/** What is published as one: https://wiki.debian.org/DebianRepository/Format and its kin. */
export const KNOWN_SETS: readonly { readonly match: string; readonly anchor: string[] }[] = [
  { match: "^/((?:.*/)?dists/[^/]+)/", anchor: ["InRelease", "Release"] },
  { match: "^/((?:.*/)?repodata)/", anchor: ["repomd.xml"] },
  { match: "^/(.*[^/])\\.(?:db|files)(?:\\.sig)?$", anchor: ["*.db"] },
  { match: "^/((?:.*/)?)APKINDEX[^/]*$", anchor: ["APKINDEX*"] },
];

/** The section `cache`. */
export const cacheSchema = z.strictObject({
  timeout: refreshAfter.prefault("1h").describe(
    "After this a copy is revalidated. `never`: it is not. `upstream`: when the mirror's own " +
      "header fields say so (RFC 9111).",
  ),
  "stale-if-error": staleIfError.prefault("always").describe(
    "For how long after it has become stale a copy stands in when no mirror delivers; `always` " +
      "or `never`.",
  ),
  "stale-while-revalidate": staleWhileRevalidate.prefault(0).describe(
    "For how long after it has become stale a copy is served at once, while it is revalidated in " +
      "the background. 0: clients wait for the mirrors.",
  ),
  negative: negative.prefault({ 404: "10s", 410: "10s" }).describe(
    "For how long an error status of the mirrors is remembered. `{}`: none is.",
  ),
  policies: z.array(policy).prefault([])
    .describe("Rules for certain paths; the first match applies."),
  sets: z.array(set).prefault([...KNOWN_SETS]).describe(
    "Files that belong together: those of a set come from the mirror that gave its anchor, and " +
      "change together with it. Takes the place of the known ones; `[]`: no file belongs to another.",
  ),
  variants: z.array(variantSchema).prefault([]).describe(
    "Paths that have several forms, chosen by `Accept`. Elsewhere a path has one form for all " +
      "clients.",
  ),
  digests: z.array(digestSchema).prefault([])
    .describe(
      "Files that list digests of others, by which these are checked before they are kept.",
    ),
  memory: byteSize("a size from 0 up", 0, Number.MAX_SAFE_INTEGER).prefault("128MiB").describe(
    "Room in memory for small files that are asked for again and again. 0: none is kept there.",
  ),
  "max-size": sizeLimit().optional().describe(
    "Room for all copies together, unfinished ones included; what was not used for the longest " +
      "time goes first. Without it: no limit.",
  ),
  "min-free": freeSpace().prefault("1%").describe(
    "Room that is left free on the file system: a size, or a percentage of the file system's. " +
      "0: none.",
  ),
  inactive: durationOr({ never: null })
    .refine((ms) => ms === null || ms > 0, { error: `expected a duration over 0, or "never"` })
    .prefault("never")
    .describe("A copy that was not used for so long is removed; or `never`."),
  "max-object-size": sizeLimit().optional()
    .describe("A larger file is passed on and not stored. Without it: no limit."),
  "client-directives": z.enum(["ignore", "honour"]).prefault("ignore").describe(
    "Whether the `Cache-Control` of clients counts (RFC 9111 section 5.2.1). Package managers " +
      "send `max-age=0` out of habit.",
  ),
  "targeted-directives": flag().prefault(false).describe(
    "Whether a mirror's `CDN-Cache-Control` is preferred to its `Cache-Control` (RFC 9213), " +
      "where `refresh-after` is `upstream`.",
  ),
  offline: flag().prefault(false)
    .describe("Ask no mirror: serve what is stored, and answer 504 to the rest."),
});

/** The section `cache`, checked. */
export type ParsedCache = z.output<typeof cacheSchema>;

/** One entry of `cache.policies`, checked. */
export type ParsedPolicy = z.output<typeof policy>;
