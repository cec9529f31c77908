import type { Preset } from "./preset.ts";

export const OCI: Preset = {};
