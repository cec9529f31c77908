import { diskBytes } from "../../src/storage/space.ts";

/**
 * What the bodies of a data directory take of the disk right now, as `du` counts: by blocks, a file of
 * two names once. What is kept beside the bodies does not count.
 */
export function diskUsage(data: string): number {
  const seen = new Map<number, number>();
  addFolder(data, seen);
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
}

const BESIDE_THE_BODIES =
  /\/\.cache-proxy\/(index\.db.*|lock|notes|unflushed\.json|partial\/(note|mark)\..*)$/;

function addFolder(folder: string, seen: Map<number, number>): void {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (BESIDE_THE_BODIES.test(path)) continue;
    if (isDirectory) addFolder(path, seen);
    else addFile(path, seen);
  }
}

function addFile(path: string, seen: Map<number, number>): void {
  try {
    const { ino, size } = Deno.lstatSync(path);
    seen.set(ino ?? 0, diskBytes(size));
  } catch (error) {
    // Another thread has just removed it.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
