import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** A registry: https://github.com/opencontainers/distribution-spec/blob/main/spec.md */
export const OCI: Preset = {
  upstream: {
    protocol: "oci",
    checkers: NO_HTML,
    // Registries hand blobs to hosts that change often; the digest says whether they are right.
    "allowed-redirect": "^https://",
  },
  cache: {
    policies: [
      {
        match: "^{at}/.*/(manifests|blobs)/[a-z0-9+._-]+:[0-9A-Za-z=_-]+$",
        "refresh-after": "never",
      },
      // A tag. The question is a HEAD, which registries do not count as a pull.
      { match: "^{at}/.*/manifests/[^/]+$", "refresh-after": "1m" },
      { match: "^{at}/.*/(tags/list|referrers/[^/]+)$", "refresh-after": "1m" },
      { match: "^{at}/(?:.*/)?_catalog$", "refresh-after": "1m" },
    ],
    variants: [{ match: "^{at}/.*/manifests/[^/:]+$", accept: "pass" }],
    digests: [
      {
        match: "^{at}/.*/(?:blobs|manifests)/sha(?:256|512)(?::|%3[aA])[0-9a-f]+$",
        format: "sha256-path",
      },
    ],
  },
};
