import type { Target, Upstream } from "../types.ts";
import { FORWARD_UPSTREAM, forwardedUrl, isForwarded } from "./forward_space.ts";

/** One upstream that may have the path, and the URL to ask it for. */
export interface Candidate {
  readonly upstream: Upstream;
  readonly url: string;
}

/**
 * The upstreams whose `path.match` fits, by priority: groups from the highest to the lowest, in a
 * group in the order of the config file. Empty when no upstream serves the path.
 *
 * Who is asked, and for what, depends on the key alone; the client's spelling is what the upstream
 * then gets.
 */
export function candidateGroups(
  target: Target,
  upstreams: readonly Upstream[],
): readonly (readonly Candidate[])[] {
  if (isForwarded(target.path)) {
    const url = forwardedUrl(target);
    return url === null ? [] : [[{ upstream: FORWARD_UPSTREAM, url }]];
  }
  const groups = new Map<number, Candidate[]>();
  for (const upstream of upstreams) {
    const url = candidateUrl(target, upstream);
    if (url === null) continue;
    const priority = priorityOf(target.path, upstream);
    const group = groups.get(priority);
    if (group === undefined) groups.set(priority, [{ upstream, url }]);
    else group.push({ upstream, url });
  }
  return [...groups].sort(([a], [b]) => b - a).map(([, group]) => group);
}

function candidateUrl(target: Target, upstream: Upstream): string | null {
  const path = mappedPath(target, upstream);
  if (path === null) return null;
  return upstream.server + (path.startsWith("/") ? "" : "/") + path + target.query;
}

function mappedPath({ path, rawPath }: Target, { mapping }: Upstream): string | null {
  if (mapping === null) return rawPath;
  if (!mapping.match.test(path)) return null;
  const mapped = mapping.match.replaceAll(path, mapping.replace);
  if (rawPath === path) return mapped;
  // By a spelling that the expression takes for something else (`/debi%61n/`) a client could fill
  // the key of all others from another mirror or another file.
  const spelled = mapping.match.replaceAll(rawPath, mapping.replace);
  return decoded(spelled) === decoded(mapped) ? spelled : mapped;
}

/** A text to compare by: each escaped byte as one character. */
function decoded(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function priorityOf(path: string, upstream: Upstream): number {
  return upstream.priorityGroups.find((group) => group.match.test(path))?.priority ?? 0;
}
