import { getLogger } from "@logtape/logtape";
import { dirname, join } from "@std/path";
import { HIDDEN_FOLDER } from "../decide/tree_path.ts";
import { StorageError } from "../errors.ts";
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

  private constructor(root: string, lock: Deno.FsFile) {
    this.root = root;
    this.#lock = lock;
  }

  /**
   * Creates what is missing, takes the lock and removes unfinished files.
   *
   * @throws {StorageError} `storage-locked` when another process uses the directory.
   */
  static async open(path: string): Promise<DataDirectory> {
    const root = await makeRoot(path);
    for (const folder of [HIDDEN_FOLDER, PARTIAL_FOLDER]) await makeOwnFolder(root, folder);
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

  resolve(file: string): string {
    return join(this.root, file);
  }

  /**
   * Makes the folder that is to hold a file. The real path of it; null when there can be none: a
   * file is in the way, a name is too long, a symbolic link leads astray.
   *
   * @throws {StorageError} When the file system fails.
   */
  async makeFolderOf(file: string): Promise<string | null> {
    const folder = dirname(file);
    try {
      return await this.#makeFolder(folder);
    } catch (error) {
      if (isUnfit(error)) return null;
      throw storageFailure(`create folder "${this.resolve(folder)}"`, error);
    }
  }

  /**
   * Looks at a file where it really is. null when it is missing, is not a regular file, or is
   * reached by a link that leads astray.
   *
   * @throws {StorageError} When the file system fails.
   */
  async inspect(file: string): Promise<Deno.FileInfo | null> {
    const path = this.resolve(file);
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

  /** Removes a file that is no longer needed. Never throws: a file too many does no harm. */
  async remove(file: string): Promise<void> {
    try {
      if (await this.inspect(file) !== null) await Deno.remove(this.resolve(file));
    } catch (error) {
      if (!isGone(error)) log.warn("Cannot remove {file}: {error}", { file, error });
    }
  }

  /**
   * Gives the file at an absolute path a second name until the result is disposed of, so that
   * replacing the file frees no bytes yet. Freeing 1 GiB takes 0.2 s on ext4: longer than the one
   * thread that serves everybody may wait. Does nothing where there is no file or no second name.
   */
  async hold(path: string): Promise<AsyncDisposable> {
    const name = join(this.partialFolder, `replaced.${crypto.randomUUID()}`);
    let held = true;
    try {
      await Deno.link(path, name);
    } catch {
      // Without the second name, replacing the file may take longer and is right all the same.
      held = false;
    }
    return {
      async [Symbol.asyncDispose]() {
        if (held) await removeUnfinished(name);
      },
    };
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
