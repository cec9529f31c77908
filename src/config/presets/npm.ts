import type { Preset } from "./preset.ts";

export const NPM: Preset = {};
