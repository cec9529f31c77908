import type { Preset } from "./preset.ts";

export const RPM: Preset = {};
