import type { Preset } from "./preset.ts";

/** The end of a name that does not end in `.tgz`: the expressions have no other way to say so. */
const NO_TARBALL = "(?:[^/]*(?:[^/z]|[^/g]z|[^/t]gz|[^/.]tgz)|t?g?z)?";

/** A package's document, or that of one of its versions; what begins with `-` is of the registry. */
const METADATA = `^{at}/(?:@[^/]+/)?(?:[^/@-][^/]*/)?[^/@-]${NO_TARBALL}$`;

/** https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md */
export const NPM: Preset = {
  upstream: {
    // Audits. What they say is for one project.
    "allow-methods": ["POST"],
  },
  cache: {
    policies: [
      // A version is never published a second time.
      { match: "^{at}/(?:@[^/]+/)?[^/]+/-/[^/]+\\.tgz$", "refresh-after": "never" },
      { match: METADATA, "refresh-after": "5m" },
    ],
    variants: [
      // The registry gives the whole document to whoever does not ask for the short one.
      { match: METADATA, accept: ["application/json", "application/vnd.npm.install-v1+json"] },
    ],
    digests: [{ match: METADATA, format: "npm-metadata" }],
  },
  links: [{ match: METADATA, format: "npm-metadata" }],
};
