import type { Preset } from "./preset.ts";

/** Debian, Ubuntu and their kin: https://wiki.debian.org/DebianRepository/Format */
export const APT: Preset = {
  cache: {
    policies: [
      // A new version of a package has a new name, and an index by its hash never changes.
      { match: "^{at}/.*\\.(deb|udeb|ddeb|dsc)$", "refresh-after": "never" },
      { match: "^{at}/pool/", "refresh-after": "never" },
      { match: "^{at}/.*/by-hash/", "refresh-after": "never" },
    ],
    sets: [{ match: "^{at}/((?:.*/)?dists/[^/]+)/", anchor: ["InRelease", "Release"] }],
  },
};
