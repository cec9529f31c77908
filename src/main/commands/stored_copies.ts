import type { Config } from "../../config/config.ts";
import { judgeReuse, policyFor } from "../../decide/freshness.ts";
import { StorageError } from "../../errors.ts";
import type { Entry, Key, Target } from "../../types.ts";
import { AdminClient } from "./admin_client.ts";
import { catalogPages } from "./catalog_pages.ts";
import { CommandError } from "./command_error.ts";
import type { CommandCall } from "./command_spec.ts";
import { openStorage } from "./open_storage.ts";

/** A stored copy of a path. */
export interface StoredCopy {
  /** Bytes. */
  readonly size: number;
  readonly upstream: string | null;
  readonly validated: string;
  /** At most 0: it has to be validated; null: for ever. */
  readonly freshForSeconds: number | null;
}

/** What is stored of a path, as far as somebody knows. */
export type StoredCopies =
  | { readonly kind: "known"; readonly copies: readonly StoredCopy[] }
  | { readonly kind: "unknown"; readonly reason: string };

/** Asks the running proxy what is stored of a path; without one, looks into its storage. */
export async function storedCopies(
  call: CommandCall,
  config: Config,
  { key }: Target,
): Promise<StoredCopies> {
  const refusals: string[] = [];
  for (const look of [() => fromProxy(call, key), () => fromDisk(config, key)]) {
    try {
      return { kind: "known", copies: await look() };
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof StorageError)) throw error;
      refusals.push(error.message.split("\n", 1)[0] ?? "");
    }
  }
  return { kind: "unknown", reason: refusals.join("; ") };
}

async function fromProxy(call: CommandCall, key: Key): Promise<readonly StoredCopy[]> {
  const copies: StoredCopy[] = [];
  for await (const items of catalogPages(AdminClient.of(call), key)) {
    for (const item of items) {
      if (!("path" in item) || item.path !== key) return copies;
      const { size, upstream, validated, freshForSeconds } = item;
      copies.push({ size, upstream, validated, freshForSeconds });
    }
  }
  return copies;
}

async function fromDisk(config: Config, key: Key): Promise<readonly StoredCopy[]> {
  const storage = await openStorage(config);
  if (storage === null) return [];
  try {
    const found = storage.find(key) ?? await storage.adopt(key);
    const variants = storage.variantsOf(key).flatMap((variant) => storage.find(variant) ?? []);
    return [...found === null ? [] : [found], ...variants].map((entry) => copyOf(entry, config));
  } finally {
    storage.close();
  }
}

function copyOf(entry: Entry, { cache }: Config): StoredCopy {
  const path = entry.key.replace(/[?\n].*$/s, "");
  const question = { now: Date.now(), targeted: cache.targetedDirectives, request: new Map() };
  const { freshForMs } = judgeReuse(entry, policyFor(path, cache.policies), question);
  return {
    size: entry.size,
    upstream: entry.upstream,
    validated: new Date(entry.validatedAt).toISOString(),
    freshForSeconds: freshForMs === null ? null : Math.floor(freshForMs / 1000),
  };
}
