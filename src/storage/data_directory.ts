import { getLogger } from "@logtape/logtape";
import { existsSync } from "node:fs";
import { dirname, join } from "@std/path";
import { HIDDEN_FOLDER, OVERFLOW_FOLDER } from "../decide/tree_path.ts";
import { StorageError } from "../errors.ts";
import type { Instant } from "../types.ts";
import { isGone, isUnfit, storageFailure } from "./storage_failure.ts";

/** Unfinished files; whatever lies here at start-up is what a crash left behind. */
const PARTIAL_FOLDER = `${HIDDEN_FOLDER}/partial`;

const log = getLogger(["cache-proxy", "storage"]);

/**
 * The data directory: its lock, and the rules on which of its paths may be used. All arguments named
 * `file` or `folder` are relative to it, with `/`.
 *
 * A path counts only by where it really leads. The tree may hold symbolic links as long as they
 * lead neither out of the data directory nor into the hidden folder; the hidden folder may hold
 * none.
 */
export class DataDirectory {
  /** Absolute and free of symbolic links. */
  readonly root: string;
  readonly #lock: Deno.FsFile;
  #hasOverflow: boolean;

  private constructor(root: string, lock: Deno.FsFile) {
    this.root = root;
    this.#lock = lock;
    this.#hasOverflow = isThere(this.resolve(OVERFLOW_FOLDER));
  }

  /**
   * Creates what is missing, takes the lock and removes unfinished files.
   *
   * @throws {StorageError} `storage-locked` when another process uses the directory.
   */
  static async open(path: string): Promise<DataDirectory> {
    const root = await makeRoot(path);
    await makeOwnFolders(root);
    const directory = new DataDirectory(root, await takeLock(root));
    try {
      await directory.#removeLeftovers();
      return directory;
    } catch (error) {
      directory.close();
      throw storageFailure(`remove unfinished files in "${directory.partialFolder}"`, error);
    }
  }

  get partialFolder(): string {
    return this.resolve(PARTIAL_FOLDER);
  }

  get indexFile(): string {
    return this.resolve(`${HIDDEN_FOLDER}/index.db`);
  }

  /** What lists say of files; may be removed. */
  get digestsFile(): string {
    return this.resolve(`${HIDDEN_FOLDER}/digests.db`);
  }

  /** Whether there is nothing but folders of our own. Files in the overflow folder count. */
  async isEmpty(): Promise<boolean> {
    for (const folder of [this.root, this.resolve(OVERFLOW_FOLDER)]) {
      try {
        for await (const { name } of Deno.readDir(folder)) {
          if (name !== HIDDEN_FOLDER && name !== "lost+found") return false;
        }
      } catch (error) {
        if (!isGone(error)) throw storageFailure(`read folder "${folder}"`, error);
      }
    }
    return true;
  }

  resolve(file: string): string {
    // `join` takes 5 µs to find nothing in a path that holds no such segment.
    return file === "." || file.includes("..") || this.root === "/"
      ? join(this.root, file)
      : `${this.root}/${file}`;
  }

  /**
   * Makes the folder that is to hold a file. The real path of it; null when there can be none: a
   * file is in the way, a name is too long, a symbolic link leads astray.
   *
   * @throws {StorageError} When the file system fails.
   */
  async makeFolderOf(file: string): Promise<string | null> {
    const folder = dirname(file);
    this.#hasOverflow ||= folder.startsWith(OVERFLOW_FOLDER);
    try {
      return this.folderOfAtOnce(file) ?? await this.#makeFolder(folder);
    } catch (error) {
      if (isUnfit(error)) return null;
      throw storageFailure(`create folder "${this.resolve(folder)}"`, error);
    }
  }

  /**
   * As `makeFolderOf`, at once. null: it is for that to find out why not.
   */
  folderOfAtOnce(file: string): string | null {
    const folder = dirname(file);
    if (folder === ".") return this.root;
    const path = this.resolve(folder);
    try {
      let real = realPathAtOnce(path);
      if (real === null) {
        const parent = this.folderOfAtOnce(folder);
        if (parent === null) return null;
        Deno.mkdirSync(path);
        real = realPathAtOnce(path);
      }
      return real !== null && this.#allows(folder, real) ? real : null;
    } catch {
      return null;
    }
  }

  /** Whether there has been a folder for what the tree cannot hold. */
  get hasOverflow(): boolean {
    return this.#hasOverflow;
  }

  /** Whether our own folders are there. Synchronous. */
  get isInOrder(): boolean {
    return isFolder(this.partialFolder);
  }

  /**
   * Looks at a file where it really is. null when it is missing, is not a regular file, or is
   * reached by a link that leads astray.
   *
   * @throws {StorageError} When the file system fails.
   */
  async inspect(file: string): Promise<Deno.FileInfo | null> {
    const path = this.resolve(file);
    // Asked at each miss: two steps through the file system's threads take as long as the rest of it.
    if (!isThere(path)) return null;
    try {
      const real = await realPath(path);
      if (real === null || !this.#allows(file, real)) return null;
      // A real path has no link left in it. A link that takes its place now is none of a file's.
      const info = await Deno.lstat(real);
      return info.isFile ? info : null;
    } catch (error) {
      if (isGone(error) || isUnfit(error)) return null;
      throw storageFailure(`look at "${path}"`, error);
    }
  }

  /** Removes a file that is no longer needed. Never throws; the result is whether it has gone. */
  async remove(file: string): Promise<boolean> {
    try {
      if (await this.inspect(file) !== null) await Deno.remove(this.resolve(file));
      return true;
    } catch (error) {
      if (isGone(error)) return true;
      log.warn("Cannot remove {file}: {error}", { file, error });
      return false;
    }
  }

  /**
   * Gives the file at an absolute path a second name, so that replacing the file frees no bytes
   * yet. Freeing 1 GiB takes 0.2 s on ext4: longer than the one thread that serves everybody may
   * wait.
   *
   * @returns The second name, an absolute path; null where there is no file or can be no such name.
   */
  async hold(path: string): Promise<string | null> {
    if (!isThere(path)) return null;
    const name = join(this.partialFolder, `replaced.${crypto.randomUUID()}`);
    try {
      await Deno.link(path, name);
      return name;
    } catch {
      // Without the second name, replacing the file may take longer and is right all the same.
      return null;
    }
  }

  /**
   * Makes our own folders again, should somebody have removed them, or all of the data directory.
   * Costs next to nothing when they are there.
   *
   * @throws {StorageError} When that is not possible.
   */
  async restore(): Promise<void> {
    if (isFolder(this.partialFolder)) return;
    await makeRoot(this.root);
    await makeOwnFolders(this.root);
    log.info("Folder {folder} was gone, it is made again", { folder: this.partialFolder });
  }

  /** Whether a regular file is there, whatever leads to it. Synchronous. */
  has(file: string): boolean {
    try {
      return Deno.lstatSync(this.resolve(file)).isFile;
    } catch (error) {
      if (isGone(error)) return false;
      throw storageFailure(`look at "${this.resolve(file)}"`, error);
    }
  }

  /**
   * Removes a file of our own that belongs to nothing any more. One that came to be here after an
   * instant stays. It leaves its place in the same synchronous step in which `isOrphan` is asked.
   *
   * @returns Whether it was removed.
   * @throws {StorageError} When the file system fails.
   */
  async takeAway(file: string, before: Instant, isOrphan: () => boolean): Promise<boolean> {
    const path = this.resolve(file);
    const name = join(this.partialFolder, `orphan.${crypto.randomUUID()}`);
    try {
      const info = Deno.lstatSync(path);
      const changedAt = (info.ctime ?? info.mtime)?.getTime() ?? Infinity;
      const isOurs = info.isFile && Deno.realPathSync(path) === path;
      if (!isOurs || changedAt >= before || !isOrphan()) return false;
      Deno.renameSync(path, name);
    } catch (error) {
      if (isGone(error)) return false;
      throw storageFailure(`remove "${path}"`, error);
    }
    await removeUnfinished(name);
    return true;
  }

  /**
   * Removes indexes that were set aside, but for the last. How many files went; never throws.
   */
  async removeOldIndexes(): Promise<number> {
    let removed = 0;
    try {
      const folder = this.resolve(HIDDEN_FOLDER);
      const stamps = new Map<string, string>();
      for await (const { name } of Deno.readDir(folder)) {
        const stamp = /^index\.db\.corrupt-([0-9TZ]+)/.exec(name)?.[1];
        if (stamp !== undefined) stamps.set(name, stamp);
      }
      const last = [...stamps.values()].sort().at(-1);
      for (const [name, stamp] of stamps) {
        if (stamp === last) continue;
        await Deno.remove(join(folder, name));
        removed++;
      }
    } catch (error) {
      if (!isGone(error)) log.warn("Cannot remove an index that was set aside: {error}", { error });
    }
    return removed;
  }

  /** Gives the lock back. */
  close(): void {
    this.#lock.close();
  }

  /**
   * Asks for the real path of each folder before anything is made in it: making it all at once
   * would make folders beyond a link that leads out.
   */
  async #makeFolder(folder: string): Promise<string | null> {
    if (folder === ".") return this.root;
    const path = this.resolve(folder);
    let real = await realPath(path);
    if (real === null) {
      if (await this.#makeFolder(dirname(folder)) === null) return null;
      await makeFolder(path);
      real = await realPath(path);
    }
    return real !== null && this.#allows(folder, real) ? real : null;
  }

  #allows(file: string, real: string): boolean {
    const hidden = this.resolve(HIDDEN_FOLDER);
    const path = this.resolve(file);
    if (isInside(hidden, path)) return real === path;
    return isInside(this.root, real) && !isInside(hidden, real);
  }

  async #removeLeftovers(): Promise<void> {
    for await (const { name } of Deno.readDir(this.partialFolder)) {
      await removeUnfinished(join(this.partialFolder, name));
    }
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * Whether something is there; what cannot be told is taken for nothing. 2 µs, where to look at a file
 * that is not there takes 30 for its error, and each miss asks for several.
 */
function isThere(path: string): boolean {
  return existsSync(path);
}

function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(join(folder, "/"));
}

async function realPath(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function realPathAtOnce(path: string): string | null {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

async function makeRoot(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (error) {
    throw storageFailure(`create data directory "${path}"`, error);
  }
}

async function makeOwnFolders(root: string): Promise<void> {
  for (const folder of [HIDDEN_FOLDER, PARTIAL_FOLDER]) await makeOwnFolder(root, folder);
}

/** Our own folders must be what they seem: start-up empties one of them. */
async function makeOwnFolder(root: string, folder: string): Promise<void> {
  const path = join(root, folder);
  try {
    await makeFolder(path);
    const { isDirectory } = await Deno.lstat(path);
    if (!isDirectory) throw new Error("it exists and is not a directory");
  } catch (error) {
    throw storageFailure(`create folder "${path}"`, error);
  }
}

/** Never throws: a file too many does no harm. */
async function removeUnfinished(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    log.warn("Cannot remove unfinished file {path}: {error}", { path, error });
  }
}

async function takeLock(root: string): Promise<Deno.FsFile> {
  const path = join(root, HIDDEN_FOLDER, "lock");
  let file: Deno.FsFile | null = null;
  try {
    file = await Deno.open(path, { read: true, write: true, create: true });
    if (await file.tryLock(true)) return file;
    throw new StorageError(
      "storage-locked",
      `Cannot use data directory "${root}": another cache-proxy uses it`,
    );
  } catch (error) {
    file?.close();
    throw storageFailure(`lock "${path}"`, error);
  }
}
