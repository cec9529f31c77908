import type { CommandModule } from "./command_spec.ts";

/** What does each command. Loaded alone, so that none waits for the code of another. */
export const COMMAND_MODULES: Readonly<Record<string, () => Promise<CommandModule>>> = {
  check: () => import("./check_command.ts"),
  status: () => import("./status_command.ts"),
  ls: () => import("./ls_command.ts"),
  purge: () => import("./purge_command.ts"),
  prefetch: () => import("./prefetch_command.ts"),
  mirrors: () => import("./mirrors_command.ts"),
  import: () => import("./import_command.ts"),
  verify: () => import("./verify_command.ts"),
  completion: () => import("./completion_command.ts"),
};
