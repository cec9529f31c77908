import type { Limits } from "../../src/types.ts";

/** A cache that may take all there is. */
export const NO_LIMITS: Limits = {
  maxBytes: null,
  minFree: { kind: "bytes", value: 0 },
  inactiveMs: null,
  maxObjectBytes: null,
};
