import type { Preset } from "./preset.ts";

export const CARGO: Preset = {
  cache: {
    digests: [
      { match: "^{at}/config\\.json$", format: "cargo-index" },
      { match: "^{at}/(?:[12]|3/[^/]|[^/]{2}/[^/]{2})/[^/]+$", format: "cargo-index" },
    ],
  },
};
