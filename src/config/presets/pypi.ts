import type { Preset } from "./preset.ts";

export const PYPI: Preset = {};
