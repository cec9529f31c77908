import {
  configureSync,
  disposeSync,
  getTextFormatter,
  type LogLevel as LibraryLevel,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import type { LogLevel } from "../config/config.ts";

/** Text held back to save system calls, in UTF-16 units; then it is written. */
const MAX_HELD_UNITS = 16 * 1024;

/** How long a line is held back at most, in milliseconds. */
const MAX_HOLD_MS = 100;

/** The log while it runs. */
export interface Logging {
  setLevel(level: LogLevel): void;
  /** Writes what is held and ends it. */
  end(): void;
}

/** Starts logging to standard output. */
export function startLogging(level: LogLevel, format: "text" | "json"): Logging {
  const lines = new LineWriter();
  const formatter = format === "json"
    ? formatJson
    : getTextFormatter({ timestamp: "rfc3339", level: "full", category: ".", value: plainValue });
  const sink: Sink = (record: LogRecord) => lines.write(formatter(record));
  const setLevel = (level: LogLevel): void =>
    configureSync({
      sinks: { out: sink },
      loggers: [
        { category: ["cache-proxy"], sinks: ["out"], lowestLevel: libraryLevel(level) },
        { category: ["logtape", "meta"], sinks: ["out"], lowestLevel: "warning" },
      ],
      reset: true,
    });
  setLevel(level);
  return {
    setLevel,
    end(): void {
      disposeSync();
      lines.flush();
    },
  };
}

function libraryLevel(level: LogLevel): LibraryLevel {
  return level === "warn" ? "warning" : level;
}

/**
 * One object a line. The library's own formatter puts the values of a message in quotes, which JSON
 * then escapes.
 */
function formatJson(record: LogRecord): string {
  const line = {
    "@timestamp": new Date(record.timestamp).toISOString(),
    level: record.level === "warning" ? "WARN" : record.level.toUpperCase(),
    logger: record.category.join("."),
    message: record.message.map((part, at) => at % 2 === 0 ? part : plainValue(part)).join(""),
    ...record.properties,
  };
  return JSON.stringify(line, (_, it) => it instanceof Error ? plainValue(it) : it) + "\n";
}

/** Values as a person would write them: no quotes around names, a dash for what is not there. */
function plainValue(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Writes whole lines, several at a time. What is held is bounded by size and by time. */
class LineWriter {
  readonly #encoder = new TextEncoder();
  #held = "";
  #timer: ReturnType<typeof setTimeout> | null = null;

  write(text: string): void {
    this.#held += text;
    if (this.#held.length >= MAX_HELD_UNITS) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), MAX_HOLD_MS);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    let bytes = this.#encoder.encode(this.#held);
    this.#held = "";
    try {
      while (bytes.byteLength > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
    } catch {
      // Whoever read the log has gone; the proxy goes on.
    }
  }
}
