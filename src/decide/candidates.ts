import type { Target, Upstream } from "../types.ts";

/** One upstream that may have the path, and the URL to ask it for. */
export interface Candidate {
  readonly upstream: Upstream;
  readonly url: string;
}

/**
 * The upstreams whose `path.match` fits, by priority: groups from the highest to the lowest, in a
 * group in the order of the config file. Empty when no upstream serves the path.
 *
 * The mapping works on the path as the client spelled it, priorities on the canonical path.
 */
export function candidateGroups(
  target: Target,
  upstreams: readonly Upstream[],
): readonly (readonly Candidate[])[] {
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
  let path = target.rawPath;
  if (upstream.mapping !== null) {
    if (!upstream.mapping.match.test(path)) return null;
    path = upstream.mapping.match.replaceAll(path, upstream.mapping.replace);
  }
  return upstream.server + (path.startsWith("/") ? "" : "/") + path + target.query;
}

function priorityOf(path: string, upstream: Upstream): number {
  return upstream.priorityGroups.find((group) => group.match.test(path))?.priority ?? 0;
}
