/**
 * How many workers serve clients; 1: the one that fills does that, too.
 *
 * @param setting Of the config.
 * @param cores Of the machine, as far as this process may use them.
 */
export function servingWorkers(setting: number | "auto", cores: number): number {
  if (setting !== "auto") return setting;
  return cores > 2 && Deno.build.os === "linux" ? cores : 1;
}
