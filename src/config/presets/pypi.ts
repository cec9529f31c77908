import type { Preset } from "./preset.ts";

export const PYPI: Preset = {
  cache: {
    digests: [
      { match: "^{at}/simple/[^/]+/?$", format: "simple-index" },
    ],
  },
};
