import { CacheProxyError, ConfigError } from "../../errors.ts";
import type { CommandArgs } from "../args.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { COMMAND_MODULES } from "./command_modules.ts";
import type { Terminal } from "./terminal.ts";

/** Runs a command, tells what went wrong, and returns the exit code. */
export async function runCommand(
  args: CommandArgs,
  version: string,
  terminal: Terminal,
): Promise<number> {
  try {
    const load = COMMAND_MODULES[args.name];
    if (load === undefined) throw new Error("there is no such command");
    const { run } = await load();
    return await run({
      ...args,
      version,
      env: (name) => Deno.env.get(name),
      terminal,
      json: args.flags["json"] === true,
    });
  } catch (error) {
    const { message, exitCode } = asCommandError(error, args.name);
    terminal.complain(message);
    return exitCode;
  }
}

function asCommandError(error: unknown, command: string): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ConfigError) return new CommandError(error.message, EXIT.usage);
  if (error instanceof CacheProxyError) return new CommandError(error.message);
  return new CommandError(`Cannot ${command}: ${error instanceof Error ? error.message : error}`);
}
