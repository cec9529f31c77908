/**
 * The program: what the command line asks for, and the exit code. Each command is loaded when it is
 * asked for, so that none waits for the code of another.
 *
 * @module
 */

import manifest from "./deno.json" with { type: "json" };
import { parseArgs } from "./src/main/args.ts";
import { EXIT } from "./src/main/commands/command_error.ts";
import { systemTerminal } from "./src/main/commands/terminal.ts";

// Exits in so many words: the connection of a client that does not read what it was sent outlives
// the server, and would keep the process.
if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const terminal = systemTerminal();
  const parsed = parseArgs(args, (name) => Deno.env.get(name));
  switch (parsed.kind) {
    case "help":
      terminal.write(parsed.text);
      return EXIT.well;
    case "version":
      terminal.print(`cache-proxy ${manifest.version}`);
      return EXIT.well;
    case "invalid":
      parsed.problems.forEach((problem) => terminal.complain(problem));
      return EXIT.usage;
    case "run": {
      const { serve } = await import("./src/main/commands/serve_command.ts");
      return await serve(parsed, manifest.version);
    }
    case "command": {
      const { runCommand } = await import("./src/main/commands/run_command.ts");
      return await runCommand(parsed, manifest.version, terminal);
    }
  }
}
