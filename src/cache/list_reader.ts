import { encodingOf, type ListFormat, parserOf } from "../decide/digests/parser_of.ts";
import type { PublishedFile } from "../decide/digests/digest.ts";
import { firstValue } from "../decide/fields.ts";
import { cargoIndexRoot } from "../decide/digests/cargo_index.ts";
import { folderOf, keyOfUrlPath } from "../decide/digests/key_below.ts";
import { sourceOf } from "../decide/digests/list_source.ts";
import { clientPathOf } from "../decide/mounts.ts";
import { type DigestIndex, inIndexOrder } from "../storage/digest_index.ts";
import type { Storage } from "../storage/storage.ts";
import type { Entry, Key, Upstream } from "../types.ts";
import { listBytes } from "./list_text.ts";

/** A list is read up to here, unpacked: Debian's longest has 60 MB, Fedora's 200. */
const MAX_LIST_BYTES = 1024 * 1024 * 1024;

/** And up to so many files. */
const MAX_LIST_FILES = 1_000_000;

/** Characters that are parsed without a look at the clock: a millisecond or two. */
const PIECE_UNITS = 32 * 1024;

/** Files that are gathered and put in order before they are written: half a megabyte. */
const RUN_FILES = 2048;

/** Files that are written to the index in one go: some milliseconds. */
const BATCH_FILES = 200;

/** How long others wait for their turn at most, in milliseconds, unless one piece takes longer. */
const TURN_MS = 8;

/** Longer texts are no `config.json`. */
const MAX_CONFIG_BYTES = 64 * 1024;

/** What reading takes. */
export interface ListReaderParts {
  readonly storage: Pick<Storage, "find" | "open">;
  readonly index: DigestIndex;
  readonly upstreams: readonly Upstream[];
}

/** A stored list, and what it is. */
export interface FoundList {
  readonly entry: Entry;
  readonly format: ListFormat;
  /** The name that it goes by: not the one by its hash. */
  readonly place: Key;
}

/** What came of reading one. `gone`: the copy is not there any more. */
export type ReadResult =
  | { readonly kind: "read"; readonly files: number }
  | { readonly kind: "gone" };

/**
 * Which copy of a list it is, and by what else it is read. A copy that was only vouched for is the
 * same.
 */
export function listVersion({ entry, format }: FoundList, storage: Pick<Storage, "find">): string {
  const config = format === "cargo-index" ? cargoConfigOf(entry.key, storage) : null;
  return `${format} ${entry.storedAt} ${entry.size} ${config?.storedAt ?? ""}`;
}

/**
 * Reads a stored list into the index, in small steps. Who watches is told of each few files.
 *
 * @throws {Error} When it cannot be read or unpacked; then what was known before still is.
 */
export async function readList(
  list: FoundList,
  parts: ListReaderParts,
  onFiles: (files: readonly PublishedFile[]) => void,
  signal: AbortSignal,
): Promise<ReadResult> {
  const { entry, format, place } = list;
  const { storage, index } = parts;
  const cargoConfig = format === "cargo-index" ? await configText(entry.key, storage) : null;
  using opened = await storage.open(entry);
  if (opened === null) return { kind: "gone" };
  const version = listVersion(list, storage);
  const writer = index.begin({ source: sourceOf(format, place), key: entry.key, version });
  const pace = new Pace();
  let told: PublishedFile[] = [];
  const parser = parserOf(
    format,
    { key: place, keyOfLink: linkReader(list, parts.upstreams), cargoConfig },
    (file) => void told.push(file),
  );
  const write = async (): Promise<void> => {
    const run = inIndexOrder(told);
    told = [];
    await pace.breathe();
    for (let at = 0; at < run.length; at += BATCH_FILES) {
      const batch = run.slice(at, at + BATCH_FILES);
      writer.add(batch);
      onFiles(batch);
      await pace.breathe();
      signal.throwIfAborted();
    }
  };
  try {
    const decoder = new TextDecoder(encodingOf(format));
    const encoding = firstValue(entry.headers, "content-encoding");
    let bytes = 0;
    for await (const chunk of listBytes(opened.file, encoding)) {
      bytes += chunk.byteLength;
      const text = decoder.decode(chunk, { stream: true });
      for (let at = 0; at < text.length; at += PIECE_UNITS) {
        parser.push(text.slice(at, at + PIECE_UNITS));
        await pace.breathe();
        signal.throwIfAborted();
        if (told.length >= RUN_FILES) await write();
      }
      if (bytes > MAX_LIST_BYTES || writer.rows > MAX_LIST_FILES) break;
    }
    parser.push(decoder.decode());
    parser.end();
    await write();
    writer.finish();
    return { kind: "read", files: writer.rows };
  } finally {
    writer.discard();
  }
}

/** Lets others have their turn, now and then. */
class Pace {
  #since = performance.now();

  async breathe(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.#since = performance.now();
  }
}

/** What a link in a list stands for: as its mirror means it, or else as our clients would. */
function linkReader(
  { entry, place }: FoundList,
  upstreams: readonly Upstream[],
): (link: string, base?: string) => Key | null {
  const isAt = ({ mount }: Upstream): boolean => mount !== null && place.startsWith(`${mount}/`);
  const upstream = upstreams.find(({ name }) => name === entry.upstream) ??
    upstreams.find(isAt) ?? null;
  const ours = new URL(place, "http://localhost");
  const theirs = upstream !== null && upstream.mount !== null && isAt(upstream)
    ? new URL(upstream.server + place.slice(upstream.mount.length))
    : null;
  return (link, base = "") => {
    const url = theirs === null ? URL.parse(link) : URL.parse(link, URL.parse(base, theirs)?.href);
    const found = url === null ? null : clientPathOf(url, upstreams, upstream);
    if (found !== null) return keyOfUrlPath(found);
    const own = URL.parse(link, URL.parse(base, ours)?.href);
    return own?.host === ours.host ? keyOfUrlPath(own.pathname + own.search) : null;
  };
}

function cargoConfigOf(key: Key, storage: Pick<Storage, "find">): Entry | null {
  const root = cargoIndexRoot(key) ?? folderOf(key);
  return storage.find(`${root}config.json`);
}

async function configText(
  key: Key,
  storage: ListReaderParts["storage"],
): Promise<string | null> {
  const entry = cargoConfigOf(key, storage);
  if (entry === null || entry.size > MAX_CONFIG_BYTES) return null;
  using opened = await storage.open(entry);
  if (opened === null) return null;
  const buffer = new Uint8Array(MAX_CONFIG_BYTES);
  let length = 0;
  for (let count = await opened.file.read(buffer); count !== null && count > 0;) {
    length += count;
    count = await opened.file.read(buffer.subarray(length));
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}
