import type { Preset } from "./preset.ts";

export const RUBYGEMS: Preset = {};
