import type { LogFileConfig } from "../config/config.ts";
import type { Clock } from "../types.ts";
import { LogFile } from "./log_file.ts";

/** How long a file that could not be written is left alone, in milliseconds. */
const RETRY_MS = 5_000;

/** What the output is made of. */
export interface LogOutputParts {
  readonly clock: Pick<Clock, "now">;
  /** Writes to standard output; must not throw. */
  readonly print: (bytes: Uint8Array) => void;
  /** Says in a line what is wrong with the log itself; must not throw. */
  readonly complain: (line: string) => void;
}

/**
 * Where the log goes: to a file, or to standard output. Standard output takes the place of a file
 * that cannot be written, until it can be. Nothing here throws: the log must not stop the proxy.
 */
export class LogOutput {
  readonly #parts: LogOutputParts;
  #file: LogFile | null = null;
  #settings: LogFileConfig | null = null;
  /** When the file could not be written last; null: it can be. */
  #failedAt: number | null = null;

  constructor(parts: LogOutputParts) {
    this.#parts = parts;
  }

  /** Goes over to another file, or to standard output; a file that is open is opened anew. */
  use(settings: LogFileConfig | null): void {
    const isAnother = settings?.path !== this.#settings?.path;
    this.close();
    this.#settings = settings;
    this.#file = settings === null ? null : new LogFile(settings);
    // Whoever asks for this may have put it right: it is tried at once.
    this.#failedAt = isAnother || this.#failedAt === null ? null : -Infinity;
  }

  /** @param bytes Whole lines. */
  write(bytes: Uint8Array): void {
    if (this.#file === null || !this.#toFile(this.#file, bytes)) this.#parts.print(bytes);
  }

  close(): void {
    this.#file?.close();
  }

  #toFile(file: LogFile, bytes: Uint8Array): boolean {
    const { clock, complain } = this.#parts;
    const now = clock.now();
    const failedAt = this.#failedAt;
    // A clock that was set back must not keep us from trying.
    if (failedAt !== null && now >= failedAt && now - failedAt < RETRY_MS) return false;
    try {
      file.write(bytes);
    } catch (error) {
      this.#failedAt = now;
      if (failedAt === null) complain(failureLine(file.path, error));
      return false;
    }
    this.#failedAt = null;
    if (failedAt !== null) complain(`Log file ${file.path} is written again`);
    return true;
  }
}

function failureLine(path: string, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `Cannot write log file ${path}, standard output takes its place: ${why}`;
}
