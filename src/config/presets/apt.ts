import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** Debian, Ubuntu and their kin: https://wiki.debian.org/DebianRepository/Format */
export const APT: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // A new version of a package has a new name, and an index by its hash never changes.
      { match: "^{at}/.*\\.(deb|udeb|ddeb|dsc)$", "refresh-after": "never" },
      { match: "^{at}/(?:.*/)?pool/", "refresh-after": "never" },
      { match: "^{at}/.*/by-hash/", "refresh-after": "never" },
      // Heads of the sets, by which everything else is judged; a question costs a 304.
      {
        match: "^{at}/(?:.*/)?(InRelease|Release|Release\\.gpg)$",
        "refresh-after": "5m",
      },
      // Where they belong to no set, as in a repository without folders.
      {
        match: "^{at}/(?:.*/)?(Packages|Sources|Contents-[^/]*)(\\.[a-z0-9]+)?$",
        "refresh-after": "5m",
      },
    ],
    sets: [{ match: "^{at}/((?:.*/)?dists/[^/]+)/", anchor: ["InRelease", "Release"] }],
    digests: [
      { match: "^{at}/(?:.*/)?(?:InRelease|Release)$", format: "apt-release" },
      { match: "^{at}/(?:.*/)?Packages(?:\\.[a-z0-9]+)?$", format: "apt-packages" },
      { match: "^{at}/(?:.*/)?Sources(?:\\.[a-z0-9]+)?$", format: "apt-sources" },
      { match: "^{at}/.*/by-hash/", format: "sha256-path" },
    ],
  },
};
