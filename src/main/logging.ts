import {
  configureSync,
  disposeSync,
  type LogLevel as LibraryLevel,
  type LogRecord,
} from "@logtape/logtape";
import type { LogConfig, LogLevel } from "../config/config.ts";
import { type AccessRecord, writeRequestsBy } from "../server/access_log.ts";
import { LineWriter } from "./line_writer.ts";
import { LINE_FORMATS } from "./log_format.ts";
import { LogOutput } from "./log_output.ts";
import { RepeatLimiter } from "./repeat_limiter.ts";
import { requestLine } from "./request_line.ts";
import { systemClock } from "./system_clock.ts";

/** The log while it runs. */
export interface Logging {
  readonly level: LogLevel;
  /** Until the config is applied again. */
  setLevel(level: LogLevel): void;
  /** Goes over to other settings, other than `format`, and opens the log file anew. */
  configure(settings: LogConfig): void;
  /** Hands over each error from now on, whether it is written or not; repeats are left out. */
  followErrors(listener: (record: LogRecord) => void): void;
  /** Opens the log file anew: another program may have renamed it. */
  reopen(): void;
  /** Writes what is held and ends it. */
  end(): void;
}

/** Starts logging. A log file that cannot be written is told of on standard error, and no more. */
export function startLogging(settings: LogConfig): Logging {
  const output = new LogOutput({
    clock: systemClock,
    print: (bytes) => writeAll(Deno.stdout, bytes),
    complain: (line) => writeAll(Deno.stderr, new TextEncoder().encode(`${line}\n`)),
  });
  const lines = new LineWriter((bytes) => output.write(bytes));
  const format = LINE_FORMATS[formatOf(settings)];
  let inForce = settings;
  let onError: ((record: LogRecord) => void) | null = null;
  const repeats = new RepeatLimiter((record) => {
    if (inForce.events) lines.write(format(record));
    if (record.level === "error") onError?.(record);
  }, systemClock);
  const apply = (next: LogConfig): void => {
    inForce = next;
    configureSync({
      sinks: {
        events: (record) => repeats.take(record),
      },
      loggers: [
        {
          category: ["cache-proxy"],
          sinks: ["events"],
          lowestLevel: next.events ? libraryLevel(next.level) : "error",
        },
        { category: ["logtape", "meta"], sinks: ["events"], lowestLevel: "warning" },
      ],
      reset: true,
    });
    writeRequestsBy(hasRequests(next) ? writeRequest : null);
  };
  const writeRequest = (request: AccessRecord): void =>
    lines.write(format(requestLine(request, systemClock.now())));
  const configure = (next: LogConfig): void => {
    // What is held belongs to where the log went until now.
    lines.flush();
    output.use(next.file);
    apply(next);
  };
  configure(settings);
  return {
    get level() {
      return inForce.level;
    },
    setLevel: (level) => apply({ ...inForce, level }),
    configure,
    followErrors: (listener) => void (onError = listener),
    reopen(): void {
      lines.flush();
      output.use(inForce.file);
    },
    end(): void {
      writeRequestsBy(null);
      disposeSync();
      repeats.flush();
      lines.flush();
      output.close();
    },
  };
}

function formatOf({ format, file }: LogConfig): "text" | "json" {
  if (format !== null) return format;
  return file === null && Deno.stdout.isTerminal() ? "text" : "json";
}

function hasRequests({ requests, level }: LogConfig): boolean {
  return requests ?? (level !== "warn" && level !== "error");
}

function libraryLevel(level: LogLevel): LibraryLevel {
  return level === "warn" ? "warning" : level;
}

function writeAll(to: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  let rest = bytes;
  try {
    while (rest.byteLength > 0) rest = rest.subarray(to.writeSync(rest));
  } catch {
    // Whoever read it has gone; the proxy goes on.
  }
}
