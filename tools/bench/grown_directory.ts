import { join } from "@std/path";
import { openIndexDatabase } from "../../src/storage/index_database.ts";
import { SIZES } from "./origin.ts";

/** Files of one folder. */
const FILES_PER_FOLDER = 1_000;

/** Hard links to one file: ext4 allows 65,000. */
const FOLDERS_PER_FILE = 60;

/** Rows that are written in one transaction. */
const BATCH_ROWS = FILES_PER_FOLDER;

/** The path of the file with a number. */
export function grownPath(number: number): string {
  return `/grown/${Math.floor(number / FILES_PER_FOLDER)}/${number % FILES_PER_FOLDER}.deb`;
}

/**
 * The same in Lua, for wrk.
 *
 * @param number An expression of Lua.
 */
export function grownPathInLua(number: string): string {
  return `string.format("/grown/%d/%d.deb", math.floor(${number} / ${FILES_PER_FOLDER}), ` +
    `${number} % ${FILES_PER_FOLDER})`;
}

/**
 * Fills a data directory with so many files of 4 KiB and an index that knows them, as if each had
 * been fetched just now. Files share their bytes by hard links: two million take 200 MB of disk.
 *
 * @param root A folder that is not there yet; on the disk of the caller's choice.
 */
export async function growDirectory(root: string, entries: number): Promise<void> {
  await Deno.mkdir(join(root, ".cache-proxy"), { recursive: true });
  const now = Date.now();
  const database = openIndexDatabase(join(root, ".cache-proxy", "index.db"), now);
  try {
    const insert = database.prepare(
      `INSERT INTO entries (key, status, file, size, modified_at, inode, etag, last_modified,
        headers, upstream, stored_at, requested_at, validated_at, vary, last_used, hits)
      VALUES (?, 200, ?, ${SIZES.kib4}, ?, ?, '"grown"', ${now - now % 1000},
        '[["content-type","application/octet-stream"]]', 'origin-0', ${now}, ${now}, ${now}, '[]',
        ${now}, 0)`,
    );
    let base = { path: "", inode: 0, modifiedAt: 0 };
    for (let first = 0; first < entries; first += BATCH_ROWS) {
      const folder = first / FILES_PER_FOLDER;
      await Deno.mkdir(join(root, "grown", String(folder)), { recursive: true });
      const isNewBase = folder % FOLDERS_PER_FILE === 0;
      if (isNewBase) base = await writeBase(join(root, grownPath(first)));
      database.exec("BEGIN");
      for (let number = first; number < Math.min(first + BATCH_ROWS, entries); number++) {
        const key = grownPath(number);
        if (!isNewBase || number > first) Deno.linkSync(base.path, root + key);
        insert.run(key, key.slice(1), base.modifiedAt, base.inode);
      }
      database.exec("COMMIT");
    }
    database.exec("UPDATE totals SET searched = 1");
  } finally {
    database.close();
  }
}

async function writeBase(
  path: string,
): Promise<{ path: string; inode: number; modifiedAt: number }> {
  await Deno.writeFile(path, new Uint8Array(SIZES.kib4));
  const { ino, mtime } = await Deno.stat(path);
  return { path, inode: ino ?? 0, modifiedAt: mtime?.getTime() ?? 0 };
}
