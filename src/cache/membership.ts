import type { Bond } from "../decide/bond.ts";
import { isNamedByContent, listedByName, nameBelow, type Place } from "../decide/sets.ts";
import type { Storage } from "../storage/storage.ts";
import type { Entry, Instant, Key, Listed, Policy } from "../types.ts";
import type { CopyDigests, SetState } from "./copy_digests.ts";
import type { Asked } from "./outcome.ts";
import { Recent } from "./recent.ts";
import type { SetReaders } from "./set_readers.ts";

/** Sets whose anchors are remembered by name; the others have theirs where their names end. */
const MAX_SETS = 1_000;

/** A file of a set whose anchor is stored. */
export interface Member {
  /** Who gave the anchor, and so gives the file. */
  readonly upstream: string;
  readonly anchor: Entry;
  readonly version: string;
  readonly listed: Listed | null;
  /** A copy that was asked for before this is one of another state, maybe. */
  readonly since: Instant;
  /** A copy that is not what is listed. */
  readonly unfit: Entry | null;
  /** Whether the upstream's anchor has to be asked for once more when the file is there. */
  readonly confirms: boolean;
  /** What is done when the upstream does not give the file. */
  readonly otherwise:
    /** The set moves to another one. */
    | "move"
    /** The same, unless the upstream says that there is no such file. */
    | "move-unless-gone"
    /** The file is the same wherever it comes from. */
    | "ask-others";
}

/** What its set means for a request. */
export type Membership =
  /** Nothing. */
  | { readonly kind: "free" }
  /** The copy is what the client's anchor lists. */
  | { readonly kind: "listed"; readonly entry: Entry }
  | { readonly kind: "member"; readonly member: Member }
  /** The client goes by an anchor whose files are no longer to be had. */
  | { readonly kind: "outdated" };

/** What judging works with. */
export interface MembershipParts {
  readonly storage: Pick<Storage, "find">;
  readonly digests: CopyDigests;
  readonly readers: SetReaders;
}

/** The stored head of a set. */
interface Head {
  readonly anchor: Entry;
  readonly upstream: string;
  readonly state: SetState;
}

/** Says what requests for files of sets may be given. */
export class Memberships {
  readonly #parts: MembershipParts;
  /** Where anchors of sets were asked for. */
  readonly #anchors = new Recent<string, ReadonlySet<Key>>(MAX_SETS);

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  /** A file that was asked for heads its set. */
  learn({ set }: Place, anchor: Key): void {
    const known = this.#anchors.get(set);
    if (!known?.has(anchor)) this.#anchors.set(set, new Set([...known ?? [], anchor]));
  }

  /** @throws {StorageError} When the index or a copy cannot be read. */
  async judge(asked: Asked, place: Place, policy: Policy): Promise<Membership> {
    const { path, key } = asked.target;
    const read = await this.#parts.readers.last(asked.client, place.set);
    const head = await this.#head(place, read?.anchor ?? null);
    if (head === null) return { kind: "free" };
    if (isNamedByContent(path) || policy.refreshAfter === "never") {
      return membership(head, { listed: listedByName(path), otherwise: "ask-others", since: 0 });
    }
    const entry = this.#parts.storage.find(key);
    const { state, anchor } = head;
    const hasRead = read?.version ?? state.version;
    const listed = listedIn(state.files, anchor, path);
    const wanted = hasRead === state.version
      ? listed
      : listedIn(this.#parts.digests.filesOf(hasRead), anchor, path);
    if (wanted !== null && entry !== null) {
      const digest = await this.#parts.digests.digest(entry);
      if (digest === wanted.sha256) return { kind: "listed", entry };
    }
    if (hasRead !== state.version && wanted?.sha256 !== listed?.sha256) return { kind: "outdated" };
    if (listed !== null) return membership(head, { listed, unfit: entry, otherwise: "move" });
    if (hasRead !== state.version) return { kind: "outdated" };
    // What a list leaves out is not looked for at other mirrors when this one has not got it.
    const otherwise = state.files === null ? "move" : "move-unless-gone";
    return membership(head, { confirms: true, otherwise });
  }

  /** What the client has read itself comes first. */
  async #head({ set, anchors }: Place, read: Key | null): Promise<Head | null> {
    const { storage, digests } = this.#parts;
    const first = read === null ? [] : [read];
    for (const key of [...first, ...anchors, ...this.#anchors.get(set) ?? []]) {
      const anchor = storage.find(key);
      if (anchor === null || anchor.status !== 200 || anchor.upstream === null) continue;
      const state = await digests.state(anchor);
      if (state !== null) return { anchor, upstream: anchor.upstream, state };
    }
    return null;
  }
}

/** The bond of a file to the mirror that gave its anchor. */
export function bondOf({ upstream, listed }: Member): Bond {
  return { from: { kind: "only", upstream }, listed };
}

function membership(
  { anchor, upstream, state }: Head,
  facts: Partial<Member> & Pick<Member, "otherwise">,
): Membership {
  const { version, since } = state;
  const none = { listed: null, unfit: null, confirms: false };
  return { kind: "member", member: { upstream, anchor, version, since, ...none, ...facts } };
}

function listedIn(
  files: SetState["files"] | undefined,
  anchor: Entry,
  path: string,
): Listed | null {
  const name = nameBelow(anchor.key, path);
  return name === null ? null : files?.get(name) ?? null;
}
