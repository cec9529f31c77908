import { type EffectiveConfig, effectiveConfig } from "../effective_config.ts";
import type { CommandCall } from "./command_spec.ts";

/**
 * The configuration as the proxy would run with it.
 *
 * @throws {ConfigError} With all that is wrong.
 */
export function configOf({ configFile, env }: CommandCall): EffectiveConfig {
  return effectiveConfig({
    kind: "run",
    configFile,
    listen: null,
    logLevel: env("LOG_LEVEL") || null,
    offline: false,
    watchConfig: false,
  });
}
