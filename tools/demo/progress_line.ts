/** Colours by their ANSI numbers. */
export type Colour = "green" | "red" | "grey" | "plain";

const CODES: Readonly<Record<Colour, number>> = { green: 32, red: 31, grey: 90, plain: 39 };

const NAME_COLUMNS = 8;
const BAR_COLUMNS = 30;

/** The last column of a bar, from an eighth to seven eighths. */
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

const MIB = 1024 ** 2;

/** One line: who, a bar, bytes, and a remark. */
export function progressLine(
  name: string,
  bytes: number,
  total: number,
  remark: string,
  colour: Colour = "plain",
): string {
  const amount = (bytes / MIB).toFixed(1).padStart(6);
  const line = `  ${name.padEnd(NAME_COLUMNS)}${bar(bytes / total)} ${amount} MiB  ${remark}`;
  return coloured(line.trimEnd(), colour);
}

/** Text in a colour, where the user has not switched colours off and a terminal shows them. */
export function coloured(text: string, colour: Colour): string {
  const wanted = colour !== "plain" && !Deno.noColor && Deno.stdout.isTerminal();
  return wanted ? `\x1b[${CODES[colour]}m${text}\x1b[39m` : text;
}

function bar(fraction: number): string {
  const eighths = Math.round(Math.min(1, fraction) * BAR_COLUMNS * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  return (full + (EIGHTHS[eighths % 8] ?? "")).padEnd(BAR_COLUMNS);
}
