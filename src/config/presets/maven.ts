import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** What lies beside a file and says what is in it. */
const BESIDE = "(?:\\.(?:asc|md5|sha1|sha256|sha512))*";

/** What is published under a name that stays the same until the release. */
const SNAPSHOT_KINDS = ["pom", "jar", "war", "aar", "module", "zip"];

/** https://maven.apache.org/repository/layout.html */
export const MAVEN: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      { match: `^{at}/(?:.*/)?maven-metadata[^/]*\\.xml${BESIDE}$`, "refresh-after": "5m" },
      // The newest snapshot; one with its time in the name is like a release.
      { match: "^{at}/.*-SNAPSHOT/[^/]*-SNAPSHOT[^/]*$", "refresh-after": "5m" },
      { match: "^{at}/(?:.*/)?(archetype-catalog\\.xml|\\.index/)", "refresh-after": "1h" },
      // group/artifact/version/artifact-version: released once, and never again.
      { match: "^{at}/[^/]+/(?:.*/)?[^/]+/[^/]+/[^/]+-[^/]+\\.[^/]+$", "refresh-after": "never" },
    ],
    // A file and its checksums come from one mirror, and are renewed together.
    sets: [
      { match: `^{at}/((?:.*/)?)maven-metadata\\.xml${BESIDE}$`, anchor: ["maven-metadata.xml"] },
      ...SNAPSHOT_KINDS.map((kind) => ({
        match: `^{at}/(.*-SNAPSHOT/[^/]*-SNAPSHOT[^/]*)\\.${kind}${BESIDE}$`,
        anchor: [`*.${kind}`],
      })),
    ],
    digests: [
      { match: "^{at}/.*\\.(?:sha512|sha256|sha1|md5)$", format: "maven-checksum" },
    ],
  },
};
