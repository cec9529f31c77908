import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** Fedora, Rocky, openSUSE and their kin: https://createrepo.baseurl.org */
export const RPM: Preset = {
  upstream: { checkers: NO_HTML },
  // Elsewhere clients would go past the cache.
  links: [{ match: "^{at}/(?:.*/)?(metalink|mirrorlist)$", format: "mirror-list" }],
  cache: {
    policies: [
      // A new version of a package has a new name.
      { match: "^{at}/.*\\.d?rpm$", "refresh-after": "never" },
      // Names with the hash of what is in the file.
      { match: "^{at}/(?:.*/)?repodata/[0-9a-f]{32,128}-[^/]*$", "refresh-after": "never" },
      // The head of the set and its signature, and files without a hash in their names.
      { match: "^{at}/(?:.*/)?repodata/", "refresh-after": "5m" },
      { match: "^{at}/(?:.*/)?(metalink|mirrorlist)$", "refresh-after": "1h" },
    ],
    sets: [{ match: "^{at}/((?:.*/)?repodata)/", anchor: ["repomd.xml"] }],
    digests: [
      { match: "^{at}/(?:.*/)?repodata/repomd\\.xml$", format: "rpm-repomd" },
      {
        match: "^{at}/(?:.*/)?repodata/[^/]*primary\\.xml(?:\\.(?:gz|xz|zst|bz2))?$",
        format: "rpm-primary",
      },
    ],
  },
};
