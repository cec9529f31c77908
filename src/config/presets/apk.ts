import type { Preset } from "./preset.ts";

export const APK: Preset = {};
