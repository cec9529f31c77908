import { getLogger } from "@logtape/logtape";
import type { Digest } from "../decide/digests/digest.ts";
import type { Expected } from "../decide/digests/expected.ts";
import { Repeats } from "../decide/repeats.ts";
import { listedByName } from "../decide/sets.ts";
import type { Filler } from "../fill/fill.ts";
import type { DigestSource } from "../fill/inspector.ts";
import type { DigestIndex, KnownDigest } from "../storage/digest_index.ts";
import type { LocalStorage } from "../storage/local_storage.ts";
import type { Clock, Entry, Instant, Key, Target } from "../types.ts";
import { ListKeeper, type ListKeeperParts } from "./list_keeper.ts";
import { type DigestSettings, isPlain, ListRules, pathOfKey } from "./list_rules.ts";
import { Recent } from "./recent.ts";
import { WrongCopies, type WrongCopiesParts } from "./wrong_copies.ts";

/** How long a request for a file waits for a list that may name it, in milliseconds. */
const MAX_WAIT_MS = 2_000;

/** How often a list that fits no mirror's files is fetched anew, in milliseconds. */
const DOUBT_MS = 60_000;

/** Lists of which it is remembered that they were fetched anew. */
const MAX_DOUBTED = 1_000;

/** Lists that a message names. */
const MAX_NAMED = 2;

const log = getLogger(["cache-proxy", "digests"]);

/** What it works with. */
export interface KnownDigestsParts {
  readonly storage: Pick<LocalStorage, "find" | "open" | "list" | "remove">;
  /** Called when there is the first rule that needs it. */
  readonly openIndex: () => DigestIndex;
  readonly clock: Clock;
  /** To fetch a list anew; null: never. */
  readonly filler: (() => Filler) | null;
  /** As in `WrongCopiesParts`; null: copies stay, whatever they are. */
  readonly onWrong: WrongCopiesParts["onWrong"] | null;
  readonly onListed?: ListKeeperParts["onListed"];
}

/** What stored lists, and paths themselves, say of files. */
export class KnownDigests implements DigestSource {
  readonly #parts: KnownDigestsParts;
  readonly #repeats = new Repeats();
  readonly #doubted = new Recent<Key, Instant>(MAX_DOUBTED);
  #rules: ListRules;
  #lists: { readonly index: DigestIndex; readonly keeper: ListKeeper } | null = null;

  constructor(parts: KnownDigestsParts, settings: DigestSettings) {
    this.#parts = parts;
    this.#rules = new ListRules(settings);
    this.#readLists();
  }

  /** From now on other files are lists. */
  configure(settings: DigestSettings): void {
    this.#rules = new ListRules(settings);
    this.#readLists();
  }

  /** Something about a stored key has changed; null: about any of them. */
  changed(key: Key | null): void {
    if (key === null) this.#lists?.keeper.scan();
    else this.#lists?.keeper.changed(key);
  }

  expected({ path, query }: Target): Promise<Expected | null> | Expected | null {
    if (query !== "") return null;
    const own = this.#rules.digestIn(path);
    if (own !== null) return { digests: [own], sizes: [], by: "its own name" };
    const keeper = this.#lists?.keeper ?? null;
    if (keeper === null || !keeper.mayName(path)) return this.#lookUp(path);
    return this.#wait(keeper, path).then(() => this.#lookUp(path));
  }

  doubt({ path }: Target): void {
    for (const key of new Set(this.#find(path).map(({ list }) => list))) {
      this.#renew(key).catch((error) =>
        log.warn("Cannot fetch {key} anew: {error}", { key, error })
      );
    }
  }

  /**
   * What is known of a copy's bytes; any of them will do. Empty: nothing, as of a file that changes:
   * it may rightly be of another state than the list.
   */
  digestsOf(entry: Entry): readonly Digest[] {
    if (!isPlain(entry) || entry.key.includes("?")) return [];
    const path = pathOfKey(entry.key);
    const named = listedByName(path)?.sha256 ?? null;
    if (named !== null) return [{ algorithm: "sha256", value: named }];
    const own = this.#rules.digestIn(path);
    if (own !== null) return [own];
    return this.#rules.isForGood(path) ? this.#find(path).map(({ digest }) => digest) : [];
  }

  /** Resolves when all lists that were stored so far have been read; never rejects. */
  async settled(): Promise<void> {
    await this.#lists?.keeper.settled();
  }

  /** Reads no more, and knows nothing more. Never rejects. */
  async stop(): Promise<void> {
    const lists = this.#lists;
    await lists?.keeper.stop();
    this.#lists = null;
    lists?.index.close();
  }

  #readLists(): void {
    if (!this.#rules.hasLists) return;
    this.#lists ??= this.#open();
    this.#lists?.keeper.scan();
  }

  #open(): { readonly index: DigestIndex; readonly keeper: ListKeeper } | null {
    const { storage, openIndex, onWrong, onListed = null } = this.#parts;
    try {
      const index = openIndex();
      const wrong = onWrong === null ? null : new WrongCopies({
        ...{ storage, onWrong },
        expected: (path) => this.#lookUp(path),
        isForGood: (path) => this.#rules.isForGood(path),
      });
      const keeper = new ListKeeper({
        ...{ storage, index, onListed },
        rules: () => this.#rules,
        onFile: (file) => wrong?.compareSize(file),
        onFew: async (key, signal) => await wrong?.compareBytes(key, signal),
      });
      return { index, keeper };
    } catch (error) {
      log.error("Files are not compared with lists of digests: {error}", { error });
      return null;
    }
  }

  #lookUp(path: Key): Expected | null {
    const known = this.#find(path);
    if (known.length === 0) return null;
    const sizes = [...new Set(known.map(({ size }) => size))];
    const lists = [...new Set(known.map(({ list }) => pathOfKey(list)))];
    const named = lists.slice(0, MAX_NAMED).join(" or ");
    return {
      digests: known.map(({ digest }) => digest),
      sizes: sizes.includes(null) ? [] : sizes as number[],
      by: lists.length > MAX_NAMED ? `${named} or another one` : named,
    };
  }

  #find(path: Key): readonly KnownDigest[] {
    try {
      const known = this.#lists?.index.find(path) ?? [];
      if (known.length === 0 || this.#rules.isForGood(path)) return known;
      // A checksum beside a file that changes may be of another state of it.
      return known.filter(({ list }) => this.#rules.formatOf(pathOfKey(list)) !== "maven-checksum");
    } catch (error) {
      // Once a minute: each download asks.
      if (this.#repeats.tell("find", this.#parts.clock.now()) !== null) {
        log.warn("Cannot look up what is published of {path}: {error}", { path, error });
      }
      return [];
    }
  }

  async #wait(keeper: ListKeeper, path: Key): Promise<void> {
    const late = Promise.withResolvers<"late">();
    const cancel = this.#parts.clock.after(MAX_WAIT_MS, () => late.resolve("late"));
    try {
      while (keeper.mayName(path)) {
        if (await Promise.race([keeper.nextRead, late.promise]) === "late") return;
      }
    } finally {
      cancel();
    }
  }

  /** Fetches a list whole, from another mirror if one has it. */
  async #renew(key: Key): Promise<void> {
    const now = this.#parts.clock.now();
    const known = this.#parts.storage.find(key);
    // A variant's key cannot be asked for.
    const { filler } = this.#parts;
    if (known === null || filler === null || pathOfKey(key) !== key) return;
    if (now - (this.#doubted.get(key) ?? -Infinity) < DOUBT_MS) return;
    this.#doubted.set(key, now);
    log.info("No mirror has a file as {key} says: that is fetched anew", { key });
    const others = known.upstream === null ? [] : [[known.upstream]];
    for (const upstreams of [...others, []]) {
      const fill = filler().fill({
        target: { key, path: key, rawPath: key, query: "" },
        known,
        revalidates: false,
        byDirectives: null,
        unstorable: null,
        wantsLead: false,
        alone: true,
        bond: { from: { kind: "except", upstreams }, listed: null },
      });
      const head = await fill.head;
      if (head.kind === "passing") void fill.takeLead()?.cancel();
      if (head.kind !== "failed") return;
    }
  }
}
