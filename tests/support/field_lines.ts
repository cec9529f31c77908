import type { HeaderList } from "../../src/types.ts";

/** Header fields from lines as they stand in a message: `Cache-Control: no-store`. */
export function fieldLines(...lines: readonly string[]): HeaderList {
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
}
