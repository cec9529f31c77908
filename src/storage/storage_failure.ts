import { StorageError } from "../errors.ts";

/** No room for more bytes. */
const FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

const GONE_CODES: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

const UNFIT_CODES: ReadonlySet<string> = new Set([
  "EEXIST",
  "EILSEQ",
  "EINVAL",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOTDIR",
  "ENOTEMPTY",
  "EXDEV",
]);

// Primary result codes, https://www.sqlite.org/rescode.html
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** `SQLITE_IOERR_READ` and `SQLITE_IOERR_SHORT_READ`, extended result codes. */
const SQLITE_IOERR_READS: readonly number[] = [266, 522];

/**
 * Wraps what the operating system or SQLite threw. The code is `storage-full` when no room is left
 * and `storage-failed` otherwise; a {@linkcode StorageError} is given back as it is.
 *
 * @param action What failed, to follow "Cannot": `write "/data/x"`.
 */
export function storageFailure(action: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const full = FULL_CODES.has(systemCode(cause)) || sqliteCode(cause) === SQLITE_FULL;
  return new StorageError(full ? "storage-full" : "storage-failed", `Cannot ${action}: ${detail}`, {
    cause,
  });
}

/** Whether an error says that nothing is at a path. */
export function isGone(error: unknown): boolean {
  return GONE_CODES.has(systemCode(error));
}

/**
 * Whether an error says that a plain tree cannot hold a path, rather than that the disk fails: a
 * file where a folder is needed or the reverse, a name that the file system refuses, another file
 * system mounted there.
 */
export function isUnfit(error: unknown): boolean {
  return UNFIT_CODES.has(systemCode(error));
}

/** Whether an error says that a file is damaged as a database, cut, or none at all. */
export function isDamagedDatabase(error: unknown): boolean {
  // A row that is no longer what we wrote: its JSON cannot be read.
  if (error instanceof SyntaxError) return true;
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(sqliteCode(error)) ||
    SQLITE_IOERR_READS.includes(extendedCode(error));
}

function systemCode(error: unknown): string {
  const hasCode = error instanceof Error && "code" in error && typeof error.code === "string";
  return hasCode ? String(error.code) : "";
}

function sqliteCode(error: unknown): number {
  // The low byte is the primary code, the rest extends it.
  return extendedCode(error) & 0xff;
}

function extendedCode(error: unknown): number {
  const hasCode = error instanceof Error && "errcode" in error && typeof error.errcode === "number";
  return hasCode ? Number(error.errcode) : 0;
}
