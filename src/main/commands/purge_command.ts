import { AdminClient } from "./admin_client.ts";
import { clientPath, clientPrefix } from "./client_path.ts";
import { CommandError, EXIT } from "./command_error.ts";
import { type CommandCall, flagText } from "./command_spec.ts";
import { counted } from "./human.ts";

/** Removing many files takes its time, in milliseconds. */
const PURGE_MS = 60 * 60_000;

interface Purged {
  readonly removed: number;
  readonly complete: boolean;
}

/** Throws copies out of the cache. That there were none is no failure: they are gone. */
export async function run(call: CommandCall): Promise<number> {
  const prefix = flagText(call, "prefix");
  if ((prefix === null) === (call.arguments.length === 0)) {
    throw new CommandError("Cannot purge: give paths, or --prefix and no path", EXIT.usage);
  }
  const targets = prefix === null
    // As it was typed: the proxy reads it as it reads what clients send.
    ? call.arguments.map((path) => ({ path, target: `/cache${typed(path)}` }))
    : [{
      path: clientPrefix(prefix),
      target: `/cache?${new URLSearchParams({ prefix })}`,
    }];
  const client = AdminClient.of(call);
  const results: (Purged & { readonly path: string })[] = [];
  for (const { path, target } of targets) {
    const request = { method: "DELETE", target, timeoutMs: PURGE_MS } as const;
    const purged = await client.json<Purged>(request, ["removed", "complete"]);
    results.push({ path, ...purged });
    if (!call.json) call.terminal.print(described(path, purged, prefix !== null));
  }
  const removed = results.reduce((sum, it) => sum + it.removed, 0);
  const complete = results.every((it) => it.complete);
  if (call.json) {
    call.terminal.write(`${JSON.stringify({ removed, complete, paths: results }, null, 2)}\n`);
  }
  return complete ? EXIT.well : EXIT.failed;
}

function typed(path: string): string {
  const { rawPath, query } = clientPath(path);
  return rawPath + query;
}

function described(path: string, { removed, complete }: Purged, isPrefix: boolean): string {
  const place = isPrefix ? `below ${path}` : `of ${path}`;
  if (!complete) {
    return `Removed ${counted(removed, "copy", "copies")} ${place}, not all: try again`;
  }
  if (removed === 0) return `Nothing was cached ${place}`;
  return `Removed ${counted(removed, "copy", "copies")} ${place}`;
}
