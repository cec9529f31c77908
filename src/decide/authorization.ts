import type { UpstreamAuth } from "../types.ts";

/**
 * The `Authorization` that an upstream is shown (RFC 6750 section 2.1, RFC 7617 section 2, in
 * UTF-8); null without credentials, as for a netrc file that has not been read.
 */
export function authorizationOf(auth: UpstreamAuth | null): string | null {
  switch (auth?.kind) {
    case "bearer":
      return `Bearer ${auth.token}`;
    case "basic":
      return `Basic ${base64(`${auth.user}:${auth.password}`)}`;
    default:
      return null;
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
