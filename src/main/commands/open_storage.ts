import { join } from "@std/path";
import type { Config } from "../../config/config.ts";
import { HIDDEN_FOLDER } from "../../decide/tree_path.ts";
import { LocalStorage } from "../../storage/local_storage.ts";
import type { Limits } from "../../types.ts";

/** To look at what is stored takes no room, and should evict nothing. */
const NO_LIMITS: Limits = {
  maxBytes: null,
  minFree: { kind: "bytes", value: 0 },
  inactiveMs: null,
  maxObjectBytes: null,
};

/**
 * The storage of a proxy that is not running, for this process alone; null when no proxy has ever
 * used the data directory: to open it would make it one.
 *
 * @throws {StorageError} `storage-locked` when a proxy is running, `storage-failed` when it cannot be
 * read.
 */
export async function openStorage({ storage }: Config): Promise<LocalStorage | null> {
  const index = join(storage.path, HIDDEN_FOLDER, "index.db");
  const isThere = await Deno.stat(index).then(({ isFile }) => isFile, () => false);
  return isThere ? await LocalStorage.open({ ...storage, limits: NO_LIMITS }) : null;
}
