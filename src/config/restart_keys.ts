import type { Config } from "./config.ts";

/** What is set up once, when the program starts; by its key in the file. */
const SET_UP_ONCE: readonly (readonly [key: string, valueIn: (config: Config) => unknown])[] = [
  ["listen.address", ({ listen }) => listen.address],
  ["listen.port", ({ listen }) => listen.port],
  ["listen.tls.cert", ({ listen }) => listen.tls?.cert],
  ["listen.tls.key", ({ listen }) => listen.tls?.key],
  ["workers", ({ workers }) => workers],
  ["admin.address", ({ admin }) => admin.address],
  ["admin.port", ({ admin }) => admin.port],
  ["admin.token", ({ admin }) => admin.token],
  ["storage.local.path", ({ storage }) => storage.path],
  ["storage.local.temporary-file-pattern", ({ storage }) => storage.temporaryFilePattern],
  ["prefetch", ({ prefetch }) => prefetch],
  ["log.format", ({ log }) => log.format],
];

/**
 * The keys of the file, in its spelling, whose new values count only after a restart. Empty when
 * all of the change can be applied while the program runs.
 */
export function restartKeys(old: Config, next: Config): readonly string[] {
  return SET_UP_ONCE
    .filter(([, valueIn]) => valueIn(old) !== valueIn(next))
    .map(([key]) => key);
}
