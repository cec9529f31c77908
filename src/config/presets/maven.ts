import type { Preset } from "./preset.ts";

export const MAVEN: Preset = {};
