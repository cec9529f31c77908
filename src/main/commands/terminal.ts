/** What control characters there are but line feeds: they could do anything to a terminal. */
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g;

/** Columns where nobody says how many there are. */
const DEFAULT_COLUMNS = 80;

/** How text stands out. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow";

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Where a command writes. */
export interface Terminal {
  /** Whether a person looks at standard output while it is written. */
  readonly isInteractive: boolean;
  readonly columns: number;
  /** Writes to standard output, as it is. */
  write(text: string): void;
  /** Writes lines to standard output, without control characters. */
  print(text: string): void;
  /** Writes lines to standard error, without control characters. */
  complain(text: string): void;
  /** A text that stands out, where colours are wanted. It is to be `write`n, not `print`ed. */
  styled(text: string, style: Style): string;
}

/** Text of others, without what could do something to a terminal. */
export function plain(text: string): string {
  return text.replace(CONTROL, "?");
}

/** The process's own. Colours only on a terminal, and not when `NO_COLOR` is set. */
export function systemTerminal(): Terminal {
  const isInteractive = Deno.stdout.isTerminal();
  const hasColors = isInteractive && !Deno.noColor && Deno.env.get("TERM") !== "dumb";
  return {
    isInteractive,
    get columns() {
      return isInteractive ? consoleColumns() : DEFAULT_COLUMNS;
    },
    write: (text) => writeAll(Deno.stdout, text),
    print: (text) => writeAll(Deno.stdout, plain(text) + "\n"),
    complain: (text) => writeAll(Deno.stderr, plain(text) + "\n"),
    styled(text, style) {
      const [on, off] = CODES[style];
      return hasColors ? `\x1b[${on}m${text}\x1b[${off}m` : text;
    },
  };
}

/** A terminal that has never been told its size says 0. */
function consoleColumns(): number {
  try {
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS;
  }
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = new TextEncoder().encode(text);
  try {
    while (bytes.byteLength > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    // Who reads us has seen enough, as `head` has.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw error;
  }
}
