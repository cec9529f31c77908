import type { Preset } from "./preset.ts";

export const GO: Preset = {};
