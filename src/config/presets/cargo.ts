import type { Preset } from "./preset.ts";

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
      { match: "^{at}/(?:[^/]+/)*config\\.json$", "refresh-after": "1h" },
      // One file for each crate, in a folder by the first letters of its name.
      { match: "^{at}/(?:.*/)?(?:[12]|3/[^/]|[^/]{2}/[^/]{2})/[^/]+$", "refresh-after": "5m" },
    ],
    digests: [
      { match: "^{at}/(?:[^/]+/)*config\\.json$", format: "cargo-index" },
      { match: "^{at}/(?:.*/)?(?:[12]|3/[^/]|[^/]{2}/[^/]{2})/[^/]+$", format: "cargo-index" },
    ],
  },
  links: [{ match: "^{at}/(?:[^/]+/)*config\\.json$", format: "cargo-config" }],
};
