import type { Digest } from "../decide/digests/digest.ts";
import { digestInPath } from "../decide/digests/digest_in_path.ts";
import type { ListFormat } from "../decide/digests/parser_of.ts";
import { policyFor } from "../decide/freshness.ts";
import type { DigestRule, Entry, Key, Policy, Upstream } from "../types.ts";

/** What the config says of lists. */
export interface DigestSettings {
  /** The first that matches counts. */
  readonly digests: readonly DigestRule[];
  readonly policies: readonly Policy[];
  readonly upstreams: readonly Upstream[];
}

/** Which files are lists, and what else the config means for digests. */
export class ListRules {
  readonly settings: DigestSettings;
  /** Whether there is anything to be read. */
  readonly hasLists: boolean;

  constructor(settings: DigestSettings) {
    this.settings = settings;
    this.hasLists = settings.digests.some(({ format }) => format !== "sha256-path");
  }

  /** What a file of this path is as a list; null: it is none, as far as its name says. */
  formatOf(path: Key): ListFormat | null {
    const format = this.#ruleOf(path);
    return format === "sha256-path" ? null : format;
  }

  /** What a path itself says of its file, where a rule lets it. */
  digestIn(path: Key): Digest | null {
    return this.#ruleOf(path) === "sha256-path" ? digestInPath(path) : null;
  }

  /** Whether a copy never changes; else it may be of another state than a list. */
  isForGood(path: Key): boolean {
    return policyFor(path, this.settings.policies).refreshAfter === "never";
  }

  /** What makes the same lists say something else. */
  get text(): string {
    const { digests, upstreams } = this.settings;
    return JSON.stringify([
      digests.map(({ match, format }) => [match.source, format]),
      upstreams.map(({ name, server, mount, files }) => [name, server, mount, files]),
    ]);
  }

  #ruleOf(path: Key): DigestRule["format"] | null {
    return this.settings.digests.find(({ match }) => match.test(path))?.format ?? null;
  }
}

/** The path of a key: without its query, and without what tells a variant. */
export function pathOfKey(key: Key): Key {
  return key.replace(/[?\n].*$/s, "");
}

/** Whether a file is named by its hash: what it is, its anchor says. */
export function isByHash(path: Key): boolean {
  return path.includes("/by-hash/");
}

/** Whether digests are of a copy's bytes: not of an error's, nor of packed ones. */
export function isPlain({ status, headers }: Entry): boolean {
  return status === 200 && !headers.some(([name]) => name === "content-encoding");
}
