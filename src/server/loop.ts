import { PSEUDONYM } from "./common_headers.ts";

/**
 * Whether a request came through this proxy before (RFC 9110 section 7.6.3). Requests to upstreams
 * carry our name with the instance's mark, so that one cache-proxy can stand behind another. The
 * bare name is ours too.
 */
export function isLoop(via: string | null, instance: string): boolean {
  if (via === null) return false;
  const names = via.split(",").map((entry) => entry.trim().split(/\s+/)[1]);
  return names.includes(PSEUDONYM) || names.includes(viaName(instance));
}

/** What we call ourselves in requests to upstreams. */
export function viaName(instance: string): string {
  return `${PSEUDONYM}-${instance}`;
}
