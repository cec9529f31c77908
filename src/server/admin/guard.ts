import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { errorAnswer } from "./admin_answer.ts";

/** A field that no form and no page of another origin can send without being asked for leave. */
export const INTENT_HEADER = "x-cache-proxy";

/** Methods that change nothing: RFC 9110 section 9.2.1. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** A host and its port, as in the Host field. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^:@/]+)(?::\d{1,5})?$/i;

/** Names by which this machine alone is reached. A page can give no such name an address. */
const LOOPBACK_NAME = /^(?:localhost|[^:]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;

/** The authority of an absolute URL. */
const URL_AUTHORITY = /^https?:\/\/([^/?#]*)/i;

/** Decides who may ask the admin listener for something. */
export class Guard {
  readonly #digest: Uint8Array | null;

  /** @param token What requests have to show; null: nothing. */
  constructor(token: string | null) {
    this.#digest = token === null ? null : digestOf(token);
  }

  /** The answer to a request that may not go on; null when it may. */
  refuse(request: Request): Response | null {
    if (this.#digest !== null) return this.#refuseWithoutToken(request, this.#digest);
    return refuseForeignHost(request) ?? refuseForeignIntent(request);
  }

  #refuseWithoutToken({ headers }: Request, digest: Uint8Array): Response | null {
    const [, shown] = /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "") ?? [];
    // Both are hashed, so that the time tells neither the length nor how much of it is right.
    if (shown !== undefined && timingSafeEqual(digestOf(shown), digest)) return null;
    return errorAnswer(401, "The token of admin.token is needed, as Authorization: Bearer", {
      "www-authenticate": `Bearer realm="cache-proxy"`,
    });
  }
}

/**
 * A page in a browser of this machine may give its own host name our address (DNS rebinding), and is
 * then of one origin with us. The name it has asked for gives it away.
 */
function refuseForeignHost(request: Request): Response | null {
  const [, name] = AUTHORITY.exec(hostOf(request)) ?? [];
  if (name !== undefined && LOOPBACK_NAME.test(name)) return null;
  return errorAnswer(
    421,
    "Without admin.token this answers to names of this machine alone, such as localhost",
  );
}

/**
 * What changes something needs a field that a page of another origin cannot send. With a token there
 * is no need: no page has it.
 */
function refuseForeignIntent(request: Request): Response | null {
  const { method, headers } = request;
  if (SAFE_METHODS.has(method)) return null;
  const origin = headers.get("origin");
  const isOurs = origin === null || URL_AUTHORITY.exec(origin)?.[1] === hostOf(request);
  if (isOurs && headers.has(INTENT_HEADER)) return null;
  const why = isOurs
    ? `Without admin.token ${method} takes a header field X-Cache-Proxy, with any value`
    : `Pages of ${origin} may not do this`;
  return errorAnswer(403, why);
}

/** HTTP/2 has no Host field. */
function hostOf({ url, headers }: Request): string {
  return headers.get("host") ?? URL_AUTHORITY.exec(url)?.[1] ?? "";
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
