import type { Instant } from "../types.ts";

/**
 * What tells a file from another one that stands at the same path.
 *
 * The device is left out on purpose: its number changes when a volume is mounted again (btrfs, NFS,
 * containers, device mapper), and the whole index would be worth nothing after a restart. A file of
 * another device with the same inode, size and time does not come about by itself.
 */
export interface FileIdentity {
  /** Bytes. */
  readonly size: number;
  readonly modifiedAt: Instant;
  /** 0 where the platform has none. A large one is rounded, which does no harm here. */
  readonly inode: number;
}

/** The identity of a regular file; null for everything else. */
export function identify(info: Deno.FileInfo): FileIdentity | null {
  if (!info.isFile) return null;
  return { size: info.size, modifiedAt: info.mtime?.getTime() ?? 0, inode: info.ino ?? 0 };
}

/**
 * A name for a file with what is in it. It holds as long as somebody has the file open: only then
 * its inode number is of no other.
 */
export function versionOf(path: string, { size, modifiedAt, inode }: FileIdentity): string {
  return `${inode} ${size} ${modifiedAt} ${path}`;
}

/** Whether both are the same file with the same content, as far as its times tell. */
export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.modifiedAt === b.modifiedAt && a.inode === b.inode;
}
