import { createHash } from "node:crypto";
import type { Entry, Instant } from "../../types.ts";

/** Another one is needed when the same copy comes to be rewritten differently. */
const REWRITING = "1";

/** What the ETag of a rewritten body depends on. */
export interface RewrittenFacts {
  /** Of the body as it came. */
  readonly etag: string | null;
  readonly lastModified: Instant | null;
  /** null: not known. */
  readonly size: number | null;
  /** null: it is not stored yet. */
  readonly storedAt: Entry["storedAt"] | null;
  readonly publicBase: string;
  /** Where links may lead: the upstreams, mounts and files of the config. */
  readonly mounts: string;
}

/**
 * The ETag of a body whose links were rewritten: the same for the same copy, public base and config.
 * A weak one, since it says that the same is meant, and not that each byte was compared; a strong one
 * is good for ranges alone (RFC 9110 section 8.8.1), which such a body does not have. null: the body
 * has no name yet.
 */
export function ownEtag(facts: RewrittenFacts): string | null {
  const { etag, lastModified, size, storedAt, publicBase, mounts } = facts;
  if (etag === null && storedAt === null) return null;
  const copy = etag === null ? [lastModified, size, storedAt] : [etag];
  const text = JSON.stringify([REWRITING, copy, publicBase, mounts]);
  return `W/"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
}
