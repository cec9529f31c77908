import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** The module proxy protocol: https://go.dev/ref/mod#goproxy-protocol */
export const GO: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // Of a whole version. What stands there for a branch or a commit changes: `@v/main.info`.
      {
        match: "^{at}/.*/@v/v[0-9]+\\.[0-9]+\\.[0-9]+[^/]*\\.(info|mod|zip)$",
        "refresh-after": "never",
      },
      { match: "^{at}/.*/(@v/list|@latest|@v/[^/]+\\.info)$", "refresh-after": "5m" },
      // A log that is only added to: what is in a tile, and the lines of a version, stay.
      { match: "^{at}/sumdb/[^/]+/(tile|lookup)/", "refresh-after": "never" },
      { match: "^{at}/sumdb/[^/]+/latest$", "refresh-after": "5m" },
      // Asked by each run of go; 404 and 410 mean that it has to ask the database itself.
      {
        match: "^{at}/sumdb/[^/]+/supported$",
        "refresh-after": "1h",
        negative: { "404": "5m", "410": "5m" },
      },
    ],
    digests: [
      { match: "^{at}/sumdb/[^/]+/lookup/", format: "go-sumdb" },
    ],
  },
};
