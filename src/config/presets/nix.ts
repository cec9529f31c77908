import { NO_HTML } from "./no_html.ts";
import type { Preset } from "./preset.ts";

/** A binary cache: https://nix.dev/manual/nix/latest/protocols/binary-cache/ */
export const NIX: Preset = {
  upstream: { checkers: NO_HTML },
  cache: {
    policies: [
      // Named by the hash of what is in them.
      { match: "^{at}/nar/", "refresh-after": "never" },
      // Named by what was built: built again elsewhere it may lead to another archive. One that is
      // not there may be there when its build has ended.
      {
        match: "^{at}/[0-9a-z]+\\.(narinfo|ls)$",
        "refresh-after": "1d",
        negative: { "404": "1m", "410": "1m" },
      },
      { match: "^{at}/nix-cache-info$", "refresh-after": "1d" },
      { match: "^{at}/(log|realisations)/", "refresh-after": "1d" },
    ],
    digests: [
      { match: "^{at}/[0-9a-z]+\\.narinfo$", format: "narinfo" },
    ],
  },
};
