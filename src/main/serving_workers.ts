/**
 * With so many cores or fewer one worker is as fast as two: what a hit gains, a small miss loses on
 * its way between workers (ARCHITECTURE.md, "Several workers").
 */
const FEW_CORES = 2;

/**
 * How many workers serve clients; 1: the one that fills does that, too.
 *
 * @param setting Of the config.
 * @param cores Of the machine, as far as this process may use them.
 */
export function servingWorkers(setting: number | "auto", cores: number): number {
  if (setting !== "auto") return setting;
  // Elsewhere the system gives all connections of a shared port to one, or does not share it.
  return cores > FEW_CORES && Deno.build.os === "linux" ? cores : 1;
}
