import { dirname, join } from "@std/path";
import { keyOfPath } from "../decide/key_of_path.ts";
import { HIDDEN_FOLDER } from "../decide/tree_path.ts";
import { isGone, isUnfit, storageFailure } from "./storage_failure.ts";
import { walkFiles } from "./walk_files.ts";

/** What is to be brought in, and how. */
export interface ImportOptions {
  /** The folder that holds what belongs at the root of the tree. */
  readonly from: string;
  /** The data directory; created if missing. */
  readonly to: string;
  /** Whether files that are there give way. */
  readonly replace: boolean;
  /** Whether files are copied also where a hard link would do. */
  readonly copy: boolean;
}

/** What became of one file. */
export interface Imported {
  /** Relative to both folders, with `/`. */
  readonly path: string;
  /** `there`: another file has this place, and stays. */
  readonly outcome: "linked" | "copied" | "there" | "failed";
  /** Bytes. */
  readonly size: number;
  /** Why it failed; else null. */
  readonly reason: string | null;
}

/**
 * Brings the regular files of a folder into the data directory of a proxy, under the same paths and
 * with their times. A proxy may be using it: each file comes to its place in one step, and is
 * adopted when somebody asks for it (`Storage.adopt`).
 *
 * A file that is to stay in the tree is one that clients can ask for: what has another name is not
 * brought in. Symbolic links are passed over in `from`, and not followed out of `to`. The hidden
 * folder of another proxy is left out.
 *
 * Yields what became of each file. In memory at a time: the names of one folder.
 *
 * @throws {StorageError} When the folders cannot be used at all.
 */
export async function* importFiles(options: ImportOptions): AsyncGenerator<Imported, void> {
  const { from, to } = await realFolders(options);
  const partial = join(to, HIDDEN_FOLDER, "partial");
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  for await (const path of walkFiles(from, "", HIDDEN_FOLDER, onError)) {
    yield await importFile(path, { ...options, from, to }, partial);
    yield* failedFolders(errors);
  }
  yield* failedFolders(errors);
}

function* failedFolders(errors: unknown[]): Generator<Imported> {
  for (const error of errors.splice(0)) {
    yield { path: "", outcome: "failed", size: 0, reason: `a folder: ${messageOf(error)}` };
  }
}

/** Both where they really are. Neither may be inside the other: the walk would find what it made. */
async function realFolders({ from, to }: ImportOptions): Promise<{ from: string; to: string }> {
  try {
    const { isDirectory } = await Deno.stat(from);
    if (!isDirectory) throw new Error(`"${from}" is no folder`);
    await Deno.mkdir(join(to, HIDDEN_FOLDER, "partial"), { recursive: true });
    const real = { from: await Deno.realPath(from), to: await Deno.realPath(to) };
    const hidden = await Deno.realPath(join(to, HIDDEN_FOLDER, "partial"));
    if (hidden !== join(real.to, HIDDEN_FOLDER, "partial")) {
      throw new Error(`"${join(to, HIDDEN_FOLDER)}" is a symbolic link`);
    }
    if (isInside(real.from, real.to) || isInside(real.to, real.from)) {
      throw new Error(`it and the data directory "${to}" are inside each other`);
    }
    return real;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw storageFailure(`import "${from}"`, missing(from));
    }
    throw storageFailure(`import "${from}"`, error);
  }
}

function missing(folder: string): Error {
  return new Error(`there is no folder "${folder}"`);
}

async function importFile(
  path: string,
  options: ImportOptions,
  partial: string,
): Promise<Imported> {
  let size = 0;
  try {
    if (keyOfPath(path) === null) throw new Error("no client can ask for this name");
    const source = join(options.from, path);
    const target = join(options.to, path);
    const info = await Deno.lstat(source);
    if (!info.isFile) throw new Error("it is no file any more");
    size = info.size;
    if (!options.replace && await isThere(target)) {
      return { path, outcome: "there", size, reason: null };
    }
    await makeFolder(dirname(path), options.to);
    const unfinished = join(partial, `import.${crypto.randomUUID()}`);
    try {
      const outcome = await bring(source, info, unfinished, options.copy);
      const isPlaced = await place(unfinished, target, options.replace);
      return { path, outcome: isPlaced ? outcome : "there", size, reason: null };
    } finally {
      await Deno.remove(unfinished).catch(() => {});
    }
  } catch (error) {
    return { path, outcome: "failed", size, reason: messageOf(error) };
  }
}

/**
 * Makes the file at a place where nobody looks for it. A hard link costs neither time nor space; it
 * needs the same file system, and one that has them.
 */
async function bring(
  source: string,
  info: Deno.FileInfo,
  unfinished: string,
  copy: boolean,
): Promise<"linked" | "copied"> {
  if (!copy && await isDone(Deno.link(source, unfinished))) return "linked";
  await Deno.copyFile(source, unfinished);
  using file = await Deno.open(unfinished, { read: true, write: true });
  const now = await Deno.lstat(source);
  const copied = await file.stat();
  if (now.size !== copied.size || now.mtime?.getTime() !== info.mtime?.getTime()) {
    throw new Error("it was changed while it was copied");
  }
  if (info.mtime !== null) await file.utime(info.atime ?? info.mtime, info.mtime);
  // After a power cut a file that lacks bytes would be taken for what it seems to be. A link has
  // the bytes that were there before.
  await file.sync();
  return "copied";
}

/** Gives the file its name in one step. false: there is another one, which is to stay. */
async function place(unfinished: string, target: string, replace: boolean): Promise<boolean> {
  if (!replace) {
    try {
      // Unlike to rename, to link takes no other's place, whoever has come in between.
      await Deno.link(unfinished, target);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      // The file system has no links: a small gap stays, in which another could come.
      if (await isThere(target)) return false;
    }
  }
  await Deno.rename(unfinished, target);
  return true;
}

/** Folder by folder, so that nothing is made beyond a link that leads out. */
async function makeFolder(folder: string, root: string): Promise<void> {
  if (folder === ".") return;
  const path = join(root, folder);
  if (!await isThere(path)) {
    await makeFolder(dirname(folder), root);
    await Deno.mkdir(path).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
  const real = await Deno.realPath(path);
  if (!isInside(root, real) || isInside(join(root, HIDDEN_FOLDER), real)) {
    throw new Error(`"${path}" is a symbolic link that leads out of the data directory`);
  }
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(join(folder, "/"));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

async function isDone(promise: Promise<void>): Promise<boolean> {
  return await promise.then(() => true, () => false);
}

function messageOf(error: unknown): string {
  if (isUnfit(error)) return "a file is in the way, or the name is too long";
  return error instanceof Error ? error.message : String(error);
}
