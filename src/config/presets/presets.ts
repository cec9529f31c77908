import { APK } from "./apk.ts";
import { APT } from "./apt.ts";
import { CARGO } from "./cargo.ts";
import { GO } from "./go.ts";
import { MAVEN } from "./maven.ts";
import { NIX } from "./nix.ts";
import { NPM } from "./npm.ts";
import { OCI } from "./oci.ts";
import { PACMAN } from "./pacman.ts";
import type { Preset } from "./preset.ts";
import { PYPI } from "./pypi.ts";
import { RPM } from "./rpm.ts";
import { RUBYGEMS } from "./rubygems.ts";

/** What `upstream[].preset` may name. */
export const PRESETS = {
  apt: APT,
  rpm: RPM,
  pacman: PACMAN,
  apk: APK,
  pypi: PYPI,
  npm: NPM,
  go: GO,
  cargo: CARGO,
  maven: MAVEN,
  rubygems: RUBYGEMS,
  nix: NIX,
  oci: OCI,
} as const satisfies Readonly<Record<string, Preset>>;

/** The name of a preset. */
export type PresetName = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];
