import type { Preset } from "./preset.ts";

export const NPM: Preset = {
  cache: {
    digests: [
      // Names of packages, with a scope or without; the tarballs are below `-`.
      { match: "^{at}/(?:@[^/]+(?:/|%2[fF]))?[^/@][^/]*$", format: "npm-metadata" },
    ],
  },
};
