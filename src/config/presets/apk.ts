import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** Alpine Linux and its kin: https://wiki.alpinelinux.org/wiki/Apk_spec */
export const APK: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // A package that was built again has a higher `-r` in its name.
      { match: "^{at}/.*\\.apk$", "refresh-after": "never" },
      { match: "^{at}/(?:.*/)?APKINDEX[^/]*$", "refresh-after": "5m" },
    ],
    sets: [{ match: "^{at}/((?:.*/)?)APKINDEX[^/]*$", anchor: ["APKINDEX*"] }],
  },
};
