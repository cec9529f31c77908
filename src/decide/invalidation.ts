import type { HeaderList, Key, Target, Upstream } from "../types.ts";
import { candidateGroups } from "./candidates.ts";
import { firstValue } from "./fields.ts";
import { parseTarget } from "./parse_target.ts";

/** An upstream's answer to a method that may have changed something. */
export interface UnsafeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** Absolute, at the upstream. */
  readonly requestUrl: string;
  /** Of the client's request. */
  readonly key: Key;
  readonly upstream: Upstream;
}

/** Stands for this server where a path has to be a URL. */
const OWN_ORIGIN = "http://self";

/**
 * The keys whose copies no longer count, the request's own first
 * ([RFC 9111 section 4.4](https://www.rfc-editor.org/rfc/rfc9111#section-4.4)): those of
 * `Location` and `Content-Location` are among them when they are of the request's origin and the
 * client's name for them is certain. None after an error.
 */
export function invalidatedKeys(answer: UnsafeAnswer): readonly Key[] {
  const { status, headers, key } = answer;
  if (status < 200 || status > 399) return [];
  const keys = new Set<Key>([key]);
  for (const name of ["location", "content-location"]) {
    const reference = firstValue(headers, name);
    const other = reference === null ? null : keyOfReference(reference, answer);
    if (other !== null) keys.add(other);
  }
  return [...keys];
}

/** What a client calls the thing that an upstream refers to; null when that is not certain. */
function keyOfReference(reference: string, answer: UnsafeAnswer): Key | null {
  const request = URL.parse(answer.requestUrl);
  const url = URL.parse(reference, answer.requestUrl);
  if (request === null || url === null) return null;
  // A foreign origin could empty the cache of others.
  if (url.origin !== request.origin) return null;
  // As written, since keys hold queries as clients write them and `URL` changes some characters.
  const query = /^[^?#]*(\?[^#]*)/.exec(reference)?.[1] ?? url.search;
  // A mapping cannot be turned round. But what lies next to the request's path at the upstream most
  // often lies next to it here, and whether it does can be tried.
  const path = relativeReference(request.pathname, url.pathname);
  const guess = URL.parse(path, OWN_ORIGIN + answer.key);
  const target = guess === null ? null : targetOf(guess.pathname, query);
  if (target === null) return null;
  const [candidate] = candidateGroups(target, [answer.upstream]).flat();
  return candidate !== undefined && isSame(candidate.url, url, query) ? target.key : null;
}

/** How to get from one absolute path to another; begins with a dot. */
function relativeReference(from: string, to: string): string {
  const folders = from.split("/").slice(0, -1);
  const segments = to.split("/");
  let common = 0;
  while (common < segments.length - 1 && folders[common] === segments[common]) common++;
  return "./" + "../".repeat(folders.length - common) + segments.slice(common).join("/");
}

function isSame(candidateUrl: string, url: URL, query: string): boolean {
  const candidate = URL.parse(candidateUrl);
  if (candidate === null || candidate.origin !== url.origin) return false;
  const found = targetOf(candidate.pathname, /\?.*$/s.exec(candidateUrl)?.[0] ?? "");
  return found !== null && found.key === targetOf(url.pathname, query)?.key;
}

/** The target in its canonical spelling; null when it is none that a client could ask for. */
function targetOf(path: string, query: string): Target | null {
  const parsed = parseTarget(OWN_ORIGIN + path + query, null);
  return parsed.kind === "target" ? parsed.target : null;
}
