import type { Instant } from "../../types.ts";

/** What a token server gives for one scope. */
export interface Token {
  readonly value: string;
  readonly expiresAt: Instant;
}

/** Longer ones would not fit into a request's head everywhere, in UTF-16 units. */
const MAX_TOKEN_UNITS = 16 * 1024;

/** What holds where the server does not say it, in seconds: the token specification's own default. */
const DEFAULT_LIFE_SECONDS = 60;

/** No token is used for longer, whatever is said of it, in seconds. */
const MAX_LIFE_SECONDS = 24 * 3600;

/** A token is given up so much before its end, in seconds, and at most a tenth of its life. */
const MARGIN_SECONDS = 10;

/** What RFC 6750 section 2.1 allows in the field that carries it. */
const TOKEN = /^[\w.~+/-]+=*$/;

/**
 * Reads a token server's answer: `token` or `access_token`, `expires_in` in seconds. null: there is
 * none in it.
 *
 * @param askedAt When the request was sent: from then on the life counts, so that a clock that
 * differs from the server's does no harm.
 */
export function readToken(text: string, askedAt: Instant): Token | null {
  const parsed = parseObject(text);
  const value = parsed?.["token"] ?? parsed?.["access_token"];
  if (typeof value !== "string" || value.length > MAX_TOKEN_UNITS || !TOKEN.test(value)) {
    return null;
  }
  const said = parsed?.["expires_in"];
  const life = typeof said === "number" && said >= 0 ? said : DEFAULT_LIFE_SECONDS;
  const seconds = Math.min(life, MAX_LIFE_SECONDS);
  const margin = Math.min(MARGIN_SECONDS, seconds / 10);
  return { value, expiresAt: askedAt + (seconds - margin) * 1000 };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}
