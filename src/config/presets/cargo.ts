import type { Preset } from "./preset.ts";

export const CARGO: Preset = {};
