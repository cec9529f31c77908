import type { Target } from "../types.ts";

/** Bound of path and query together, as sent and as key, so that patterns meet short texts only. */
export const MAX_TARGET_BYTES = 8192;

/** How often a path is decoded again in search of what several encodings hide. */
const MAX_EXTRA_DECODINGS = 3;

/** What came out of a request's target. */
export type ParsedTarget =
  | { readonly kind: "target"; readonly target: Target }
  | RefusedTarget;

/** The request is answered with this status; `reason` may be shown to the client. */
export interface RefusedTarget {
  readonly kind: "refused";
  readonly status: 400 | 414 | 421;
  readonly reason: string;
}

/** Scheme, authority, path and query; the rest of an origin-form target stays untouched. */
const URL_PARTS = /^(https?):\/\/([^/?#]*)([^?]*)(.*)$/is;

/** `uri-host [ ":" port ]` without userinfo (RFC 9110 §4.2.4, §7.2). */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::(\d{0,5}))?$/;

// The next patterns are for byte strings: one character for each byte.
const CONTROL = /[^ -~\x80-\xff]/;
const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;
/**
 * ASCII in more bytes than it takes, forbidden by RFC 3629 section 3: a decoder behind us that is
 * too kind would read dots and slashes in it. No Latin-1 name looks like this either.
 */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}/;
/** All but unreserved, sub-delims, `:`, `@` and `/` (RFC 3986 §3.3). */
const TO_ENCODE = /[^\w.~!$&'()*+,;=:@/-]/g;

/**
 * Reads what a client asked for. Odd paths are refused, never repaired.
 *
 * @param url `Request.url` as `Deno.serve` gives it: scheme, authority and the target as sent, not
 * normalised.
 * @param host The Host field; null or empty when there is none (always so with HTTP/2). Then any
 * authority counts as ours.
 */
export function parseTarget(url: string, host: string | null): ParsedTarget {
  const [, scheme, authority, sentPath, sentQuery] = URL_PARTS.exec(url) ?? [];
  if (
    scheme === undefined || authority === undefined || sentPath === undefined ||
    sentQuery === undefined
  ) {
    return refused(400, "Cannot read request target: neither a path nor an http(s) URL");
  }
  const refusal = refuseAuthority(authority, host, scheme) ??
    refuseText(sentPath + sentQuery);
  if (refusal !== null) return refusal;

  const rawPath = sentPath === "" ? "/" : sentPath;
  const query = sentQuery === "?" ? "" : sentQuery;
  if (CONTROL.test(decode(toAscii(query)))) return badText("control character in the query");
  const bytes = decode(toAscii(rawPath));
  const problem = findProblem(bytes);
  if (problem !== null) return badText(problem);

  const path = encode(bytes);
  const key = path + query;
  return refuseLength(key) ?? { kind: "target", target: { key, path, rawPath, query } };
}

/** Whether the request is for another server: 421, RFC 9110 §7.4. */
function refuseAuthority(
  authority: string,
  host: string | null,
  scheme: string,
): RefusedTarget | null {
  const named = parseAuthority(authority, scheme);
  // The value is not repeated: it may hold a password.
  if (named === null) return refused(400, "Cannot read host of request target");
  if (host === null || host === "" || host === authority) return null;
  // Deno.serve puts the Host field before the path without a look at it.
  const field = parseAuthority(host, scheme);
  if (field === null) return refused(400, "Cannot read Host field");
  if (named.name === field.name && named.port === field.port) return null;
  return refused(421, `Cannot serve host "${authority}": not this server and not an upstream`);
}

function parseAuthority(text: string, scheme: string): { name: string; port: number } | null {
  const [, name, port] = AUTHORITY.exec(text.toLowerCase()) ?? [];
  if (name === undefined) return null;
  const defaultPort = scheme.toLowerCase() === "https" ? 443 : 80;
  return { name, port: port === undefined || port === "" ? defaultPort : Number(port) };
}

function refuseText(text: string): RefusedTarget | null {
  if (text.includes("#")) return badText("fragment");
  if (text.includes("\\")) return badText("backslash");
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return badText("bad percent escape");
  return refuseLength(text);
}

function refuseLength(text: string): RefusedTarget | null {
  // No UTF-16 unit takes more than 3 bytes, so most texts need not be encoded to be counted.
  if (text.length * 3 <= MAX_TARGET_BYTES) return null;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_TARGET_BYTES) return null;
  return refused(
    414,
    `Cannot take request target of ${bytes} bytes: more than ${MAX_TARGET_BYTES} bytes`,
  );
}

/** Looks through several layers of encoding, since an upstream behind us may decode once more. */
function findProblem(bytes: string): string | null {
  for (let decodings = 0;; decodings++) {
    if (CONTROL.test(bytes)) return "control character";
    if (bytes.includes("\\")) return "backslash";
    if (OVERLONG.test(bytes)) return "overlong UTF-8";
    if (DOT_SEGMENT.test(bytes)) return 'segment "." or ".."';
    if (decodings === MAX_EXTRA_DECODINGS || !bytes.includes("%")) return null;
    bytes = decode(bytes);
  }
}

/** Escapes non-ASCII characters as their UTF-8 bytes; the rest stays. */
function toAscii(text: string): string {
  return text.toWellFormed().replace(/[^\0-\x7f]+/g, encodeURIComponent);
}

/** ASCII with percent escapes to a byte string. Bad escapes stay as they are. */
function decode(ascii: string): string {
  return ascii.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}

/** A byte string to its canonical spelling (RFC 3986 §2.1, §2.3). */
function encode(bytes: string): string {
  return bytes.replace(
    TO_ENCODE,
    (byte) => "%" + byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0"),
  );
}

function badText(problem: string): RefusedTarget {
  return refused(400, `Cannot read request target: ${problem}`);
}

function refused(status: RefusedTarget["status"], reason: string): RefusedTarget {
  return { kind: "refused", status, reason };
}
