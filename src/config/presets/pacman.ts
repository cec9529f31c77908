import type { Preset } from "./preset.ts";

export const PACMAN: Preset = {};
