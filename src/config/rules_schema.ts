/**
 * The shape of the config file's lists of rules on clients' paths, and of what an upstream needs to
 * be one of an ecosystem's.
 *
 * @module
 */

import { z } from "zod";
import { isBearerToken, isHostPattern, isNetworkAddress } from "./checks.ts";
import { anyText, filledText, pattern, text } from "./scalars.ts";

function match() {
  return pattern().describe("Regular expression on the client's path.");
}

function hostPattern() {
  return text("a host name, in which * is any characters, with or without a port", isHostPattern);
}

/** One entry of `rules`. */
export const ruleSchema = z.strictObject({
  match: match(),
  action: z.enum(["allow", "deny", "direct"]).describe(
    "`allow`: as without a rule. `deny`: 403. `direct`: the client is sent to the first mirror " +
      "(307), and nothing is cached.",
  ),
  reason: anyText().prefault("").describe("What a client is told that is denied."),
});

/** Whose links are rewritten, and how they are written. */
export const LINK_FORMATS = [
  "npm-metadata",
  "simple-index",
  "cargo-config",
  "mirror-list",
] as const;

/** One entry of `links`. */
export const linkSchema = z.strictObject({
  match: match(),
  format: z.enum(LINK_FORMATS).describe("How links are written in it."),
});

/** One entry of `cache.variants`. */
export const variantSchema = z.strictObject({
  match: match(),
  accept: z.union([
    z.array(filledText("a media type")).min(1, { error: "expected a media type" }),
    z.enum(["pass"]),
  ], {
    error: `expected a list of media types, or "pass"`,
  }).describe(
    "Media types of the forms that the path has: the one that the client names and wants most is " +
      "asked for, the first where it names none. `pass`: the client's `Accept` is passed on.",
  ),
});

/** How digests of other files are published. */
export const DIGEST_FORMATS = [
  "apt-release",
  "apt-packages",
  "apt-sources",
  "rpm-repomd",
  "rpm-primary",
  "simple-index",
  "npm-metadata",
  "cargo-index",
  "go-sumdb",
  "narinfo",
  "pacman-db",
  "rubygems-index",
  "maven-checksum",
  "sha256-path",
] as const;

/** One entry of `cache.digests`. */
export const digestSchema = z.strictObject({
  match: match(),
  format: z.enum(DIGEST_FORMATS).describe(
    "What kind of list it is. `sha256-path`: no list, the path itself ends with the digest.",
  ),
});

/** The section `forward`. */
export const forwardSchema = z.strictObject({
  allow: z.array(hostPattern()).prefault([]).describe(
    "Hosts that clients may reach through this proxy though no mirror here has them, such as " +
      "`*.example.org`. Empty: none.",
  ),
});

/** `listen.trusted-proxies`. */
export const trustedProxiesSchema = z.array(
  text("an IP address, or a network such as 10.0.0.0/8", isNetworkAddress),
).prefault([]).describe(
  "Servers in front whose `X-Forwarded-*` and `Forwarded` fields are believed. Empty: nobody's.",
);

/** `upstream[].files`. */
export const filesSchema = z.record(
  hostPattern(),
  filledText("the name of another mirror of this file"),
).prefault({}).describe(
  "Hosts that files are linked on, each with the name of the mirror here that has them, such as " +
    "`{files.example.org: files}`.",
);

/** `upstream[].auth`. */
export const authSchema = z.strictObject({
  netrc: filledText("the path of a file").optional()
    .describe("A netrc file that has the credentials for this mirror's host."),
  bearer: text("a token of letters, digits and -._~+/ with = at its end", isBearerToken).optional()
    .describe("A token, such as `${TOKEN}`, sent as `Authorization: Bearer`."),
  user: filledText("a user's name").optional().describe("Sent with `password`."),
  password: anyText().optional().describe("Of `user`, such as `${PASSWORD}`."),
}).refine(
  ({ netrc, bearer, user, password }) =>
    [netrc, bearer, user].filter((it) => it !== undefined).length === 1 &&
    (user === undefined) === (password === undefined),
  { error: "expected one of netrc, bearer, or user with password" },
);
