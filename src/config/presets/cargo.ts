import type { Preset } from "./preset.ts";

const CONFIG = "^{at}/(?:[^/]+/)*config\\.json$";

/** One file for each crate, in a folder by the first letters of its name. */
const CRATE = "^{at}/(?:.*/)?(?:[12]|3/[^/]|[^/]{2}/[^/]{2})/[^/]+$";

/** https://doc.rust-lang.org/cargo/reference/registry-index.html */
export const CARGO: Preset = {
  upstream: {
    // A registry that has an interface of its own hands its files to another host.
    "allowed-redirect": "^https://",
  },
  cache: {
    policies: [
      // A version is never published a second time.
      { match: "^{at}/.*(?:/download|\\.crate)$", "refresh-after": "never" },
      { match: CONFIG, "refresh-after": "1h" },
      { match: CRATE, "refresh-after": "5m" },
    ],
    digests: [
      { match: CONFIG, format: "cargo-index" },
      { match: CRATE, format: "cargo-index" },
    ],
  },
  links: [{ match: CONFIG, format: "cargo-config" }],
};
