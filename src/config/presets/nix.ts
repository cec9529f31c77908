import type { Preset } from "./preset.ts";

export const NIX: Preset = {};
