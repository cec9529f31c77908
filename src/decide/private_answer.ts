import type { HeaderList, Upstream } from "../types.ts";
import { responseDirectives } from "./cache_control.ts";

/**
 * Why an upstream's answer is not for everybody: it was got with the credentials of `auth`, or says
 * so itself (`Cache-Control: private`, RFC 9111 section 5.2.2.7). null: it is for everybody, or
 * `cache-private` says that it is all the same.
 *
 * What `headers` sends counts for nothing here: configs have long used it for mirrors that want a
 * token and whose files are for all clients.
 *
 * @param byDirectives Whether all that the upstream says of caches is heeded anyway (`storability`).
 */
export function privacyOf(
  headers: HeaderList,
  { auth, cachePrivate }: Pick<Upstream, "auth" | "cachePrivate">,
  byDirectives: boolean,
): "authorization" | "private" | null {
  if (cachePrivate) return null;
  if (auth !== null) return "authorization";
  if (byDirectives) return null;
  return responseDirectives(headers, false).has("private") ? "private" : null;
}
