import type { Target, Upstream } from "../../types.ts";
import { candidateGroups } from "../candidates.ts";
import { clientPathOf } from "../mounts.ts";
import { parseTarget } from "../parse_target.ts";
import type { LinkContext } from "./client_link.ts";

/** Stands for this server where a path has to be a URL. */
const OWN_ORIGIN = "http://self";

/**
 * Where the links of a document lead.
 *
 * @param from The upstream that the document came from; null: not known, then the first is meant that
 * has the path.
 */
export function linkContext(
  target: Target,
  from: string | null,
  upstreams: readonly Upstream[],
  publicBase: string,
): LinkContext {
  const candidates = candidateGroups(target, upstreams).flat();
  const candidate = from === null
    ? candidates[0]
    : candidates.find(({ upstream }) => upstream.name === from);
  const base = candidate?.upstream ?? null;
  return {
    publicBase,
    clientUrl: new URL(publicBase + target.rawPath + target.query),
    mirrorUrl: candidate === undefined ? null : URL.parse(candidate.url),
    pathOf: (url) => clientPathOf(url, upstreams, base),
    urlOf: (path) => base === null ? null : urlOf(path, base),
  };
}

function urlOf(path: string, upstream: Upstream): string | null {
  const parsed = parseTarget(OWN_ORIGIN + path, null);
  if (parsed.kind === "refused") return null;
  return candidateGroups(parsed.target, [upstream]).flat()[0]?.url ?? null;
}

/** A text that changes when links may come to lead elsewhere. */
export function mountsText(upstreams: readonly Upstream[]): string {
  return JSON.stringify(upstreams.map(({ name, server, mapping, mount, files }) => [
    ...[name, server, mount, files, mapping?.match.source, mapping?.replace],
  ]));
}
