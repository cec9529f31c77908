import type { Pattern } from "../types.ts";
import { isNearbyHost } from "./address_kind.ts";

/** More redirects than this in a row are a failure of the upstream. */
export const MAX_REDIRECTS = 5;

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What to do about an upstream's redirect. */
export type RedirectDecision =
  | {
    readonly kind: "follow";
    readonly url: string;
    /** Whether the upstream's own headers (credentials) may go along. */
    readonly sameHost: boolean;
  }
  | { readonly kind: "refuse"; readonly detail: string };

/** Whether the status is one of the redirects that a client follows by `Location`. */
export function isRedirect(status: number): boolean {
  return REDIRECT_STATUSES.has(status);
}

/**
 * Judges a redirect from one URL to the target in `location` (absolute or relative). Without
 * `allowed` only targets on the same host are followed, the step up from http to https included.
 * However much `allowed` allows, only a host of this machine or its own links leads to another one:
 * no mirror has us ask what only we can reach.
 * `hops` counts the redirects followed before this one.
 */
export function judgeRedirect(
  from: string,
  location: string | null,
  allowed: Pick<Pattern, "test"> | null,
  hops: number,
): RedirectDecision {
  if (hops >= MAX_REDIRECTS) {
    return { kind: "refuse", detail: `more than ${MAX_REDIRECTS} redirects` };
  }
  if (location === null) return { kind: "refuse", detail: "redirect without a Location" };
  const target = URL.parse(location, from);
  if (target === null || !/^https?:$/.test(target.protocol)) {
    return { kind: "refuse", detail: "redirect to something that is not an HTTP URL" };
  }
  const origin = new URL(from);
  const sameHost = isSameHost(origin, target);
  const leadsNearby = isNearbyHost(target.hostname) && !isNearbyHost(origin.hostname);
  if (sameHost || (!leadsNearby && allowed?.test(target.href))) {
    // The fragment is for the user agent, and credentials in a Location are never wanted.
    target.hash = target.username = target.password = "";
    return { kind: "follow", url: target.href, sameHost };
  }
  // Only the origin: the rest of a redirect's target often carries a signature.
  return { kind: "refuse", detail: `redirect to ${target.origin} is not allowed` };
}

function isSameHost(from: URL, to: URL): boolean {
  if (from.host === to.host && from.protocol === to.protocol) return true;
  const upgrade = from.protocol === "http:" && to.protocol === "https:";
  return upgrade && from.hostname === to.hostname && from.port === "" && to.port === "";
}
