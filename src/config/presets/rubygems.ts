import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** https://guides.rubygems.org/rubygems-org-compact-index-api/ and the older `specs`. */
export const RUBYGEMS: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // A version that was yanked does not come back as another one.
      { match: "^{at}/gems/[^/]+\\.gem$", "refresh-after": "never" },
      { match: "^{at}/quick/Marshal\\.[0-9.]+/[^/]+\\.gemspec\\.rz$", "refresh-after": "never" },
      { match: "^{at}/(versions|names|info/[^/]+)$", "refresh-after": "5m" },
      {
        match: "^{at}/(latest_|prerelease_)?specs\\.[0-9.]+(\\.gz)?$",
        "refresh-after": "5m",
      },
    ],
    digests: [
      { match: "^{at}/info/[^/]+$", format: "rubygems-index" },
    ],
  },
};
