import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { errorAnswer } from "./admin_answer.ts";

/** A field that no form and no page of another origin can send without being asked for leave. */
export const INTENT_HEADER = "x-cache-proxy";

/** Methods that change nothing: RFC 9110 section 9.2.1. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Credentials that a browser asks its user for and then sends by itself: RFC 7617. */
const BASIC = /^Basic +([a-z\d+/]+=*) *$/i;

/** One a line: browsers take several in one field for one. */
const CHALLENGES: readonly [name: string, value: string][] = [
  ["www-authenticate", `Bearer realm="cache-proxy"`],
  ["www-authenticate", `Basic realm="cache-proxy", charset="UTF-8"`],
];

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
    if (this.#digest === null) return refuseForeignHost(request) ?? refuseForeignIntent(request);
    const credentials = request.headers.get("authorization") ?? "";
    const [, bearer] = /^Bearer +(\S+) *$/i.exec(credentials) ?? [];
    const shown = bearer ?? passwordOf(credentials);
    // Both are hashed, so that the time tells neither the length nor how much of it is right.
    if (shown === undefined || !timingSafeEqual(digestOf(shown), this.#digest)) return noToken();
    // A page of another origin has no token to show, but a browser adds what its user has typed.
    return bearer === undefined ? refuseForeignIntent(request) : null;
  }
}

function noToken(): Response {
  const answer = errorAnswer(
    401,
    "The token of admin.token is needed: as Authorization: Bearer, or as the password of any user",
  );
  for (const [name, value] of CHALLENGES) answer.headers.append(name, value);
  return answer;
}

/** What stands behind the first colon; undefined when these are no credentials of that scheme. */
function passwordOf(credentials: string): string | undefined {
  const [, encoded] = BASIC.exec(credentials) ?? [];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, "base64").toString();
  const colon = pair.indexOf(":");
  return colon === -1 ? undefined : pair.slice(colon + 1);
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
 * What changes something needs a field that a page of another origin cannot send. With a Bearer token
 * there is no need: no page has it.
 */
function refuseForeignIntent(request: Request): Response | null {
  const { method, headers } = request;
  if (SAFE_METHODS.has(method)) return null;
  const origin = headers.get("origin");
  const isOurs = origin === null || URL_AUTHORITY.exec(origin)?.[1] === hostOf(request);
  if (isOurs && headers.has(INTENT_HEADER)) return null;
  const why = isOurs
    ? `Without a Bearer token ${method} takes a header field X-Cache-Proxy, with any value`
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
