import type { LogFileConfig } from "../config/config.ts";

/** The log tells who asked for what: its owner and the owner's group may read it. */
const MODE = 0o640;

/**
 * A file that lines are appended to. When it would get too large it is renamed to `path.1`, what was
 * there to `path.2` and so on, and a new one is begun.
 */
export class LogFile {
  readonly #settings: LogFileConfig;
  #file: Deno.FsFile | null = null;
  /** As far as we know; another program may have made it shorter. */
  #bytes = 0;

  /** Opens nothing yet. */
  constructor(settings: LogFileConfig) {
    this.#settings = settings;
  }

  get path(): string {
    return this.#settings.path;
  }

  /**
   * Appends all of the bytes or none.
   *
   * @throws {Error} When the file cannot be opened, written or set aside; the next call opens it
   * anew.
   */
  write(bytes: Uint8Array): void {
    try {
      this.#append(this.#roomFor(bytes.byteLength), bytes);
      this.#bytes += bytes.byteLength;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next write opens what stands under the name then: a rename from outside takes effect. */
  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  #roomFor(length: number): Deno.FsFile {
    const { maxBytes } = this.#settings;
    const file = this.#file ?? this.#open();
    if (maxBytes === 0 || this.#bytes + length <= maxBytes) return file;
    this.#bytes = file.statSync().size;
    // A file that holds nothing is as good as a new one.
    if (this.#bytes === 0 || this.#bytes + length <= maxBytes) return file;
    this.close();
    this.#setAside();
    return this.#open();
  }

  #open(): Deno.FsFile {
    const file = Deno.openSync(this.path, { append: true, create: true, mode: MODE });
    this.#file = file;
    this.#bytes = file.statSync().size;
    return file;
  }

  #setAside(): void {
    const { path, keep } = this.#settings;
    if (keep === 0) return Deno.removeSync(path);
    for (let number = keep - 1; number >= 1; number--) {
      renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    }
    Deno.renameSync(path, `${path}.1`);
  }

  #append(file: Deno.FsFile, bytes: Uint8Array): void {
    let written = 0;
    try {
      while (written < bytes.byteLength) written += file.writeSync(bytes.subarray(written));
    } catch (error) {
      // A full disk takes a part of what it is given. Who reads the file wants whole lines.
      if (written > 0) file.truncateSync(file.statSync().size - written);
      throw error;
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
