import { EXIT } from "./command_error.ts";
import type { CommandCall } from "./command_spec.ts";
import { completionScript } from "./completion_scripts.ts";

/** Prints a script for a shell. */
export function run({ arguments: [shell = ""], terminal }: CommandCall): Promise<number> {
  terminal.write(completionScript(shell));
  return Promise.resolve(EXIT.well);
}
