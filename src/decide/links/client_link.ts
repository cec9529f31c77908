/** Where a document with links is, for its mirror and for its client. */
export interface LinkContext {
  /** Scheme, host and perhaps a path by which the client reaches us, without a slash at its end. */
  readonly publicBase: string;
  /** By what the client reads relative links: where it has the document from. */
  readonly clientUrl: URL;
  /** By what the mirror means them: where it has the document; null: unknown. */
  readonly mirrorUrl: URL | null;
  /** The path and query under which clients get what a URL names; null: it is not ours. */
  readonly pathOf: (url: URL) => string | null;
  /** What our path stands for at the document's mirror; null: nothing. */
  readonly urlOf: (path: string) => string | null;
}

/**
 * What a client is to find in place of a link; null: the link as it is, since it does not lead to a
 * mirror of ours, or leads to us already.
 *
 * A relative link that would lead a client to another thing than the mirror means is made absolute,
 * if need be to the mirror itself: past the cache is better than nowhere.
 */
export function clientLink(link: string, context: LinkContext): string | null {
  const { publicBase, mirrorUrl, pathOf } = context;
  const written = link.trim();
  if (written === "" || written.startsWith("#")) return null;
  const absolute = URL.parse(written);
  const url = absolute ?? (mirrorUrl === null ? null : URL.parse(written, mirrorUrl));
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  const path = pathOf(url);
  if (absolute === null && leadsThereAnyway(written, url, path, context)) return null;
  if (path !== null) return publicBase + path + url.hash;
  return absolute === null ? url.href : null;
}

/** Whether a relative link leads to the same from our document as from the mirror's. */
function leadsThereAnyway(
  written: string,
  url: URL,
  path: string | null,
  { publicBase, clientUrl, urlOf }: LinkContext,
): boolean {
  const ours = URL.parse(written, clientUrl);
  if (ours === null || !ours.href.startsWith(`${publicBase}/`)) return false;
  const own = ours.href.slice(publicBase.length, ours.href.length - ours.hash.length);
  if (path !== null) return own === path;
  const theirs = urlOf(own);
  const wanted = new URL(url);
  wanted.hash = "";
  return theirs !== null && URL.parse(theirs)?.href === wanted.href;
}

/** What links behind a `<base href>` are read by. */
export function behindBase(href: string, context: LinkContext): LinkContext {
  const { clientUrl, mirrorUrl } = context;
  return {
    ...context,
    clientUrl: URL.parse(href, clientUrl) ?? clientUrl,
    mirrorUrl: (mirrorUrl === null ? URL.parse(href) : URL.parse(href, mirrorUrl)) ?? mirrorUrl,
  };
}
