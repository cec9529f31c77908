import { parseTarget } from "../../decide/parse_target.ts";
import type { Target } from "../../types.ts";
import { CommandError, EXIT } from "./command_error.ts";

/**
 * A path of a client, read as the proxy would read it.
 *
 * @throws {CommandError} When it is none, saying why.
 */
export function clientPath(text: string): Target {
  if (!text.startsWith("/")) {
    throw new CommandError(
      `Cannot use path "${text}": it begins with no slash; give it as clients ask for it, ` +
        "without scheme and host",
      EXIT.usage,
    );
  }
  const parsed = parseTarget(`http://localhost${text}`, null);
  if (parsed.kind === "target") return parsed.target;
  throw new CommandError(`Cannot use path "${text}": ${parsed.reason}`, EXIT.usage);
}

/**
 * What paths begin with.
 *
 * @throws {CommandError} When it begins with no slash.
 */
export function clientPrefix(text: string): string {
  if (text.startsWith("/")) return text;
  throw new CommandError(`Cannot use prefix "${text}": it begins with no slash`, EXIT.usage);
}
