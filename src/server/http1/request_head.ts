import { HeaderFields } from "./header_fields.ts";

/** Fields of a request that are read; more are refused (RFC 6585 section 5). */
export const MAX_FIELDS = 100;

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** Of HTTP/1.x. */
  readonly minor: 0 | 1;
  readonly fields: HeaderFields;
}

/** Why a request cannot be read; the connection cannot be read on either. */
export interface Unreadable {
  readonly status: 400 | 408 | 413 | 417 | 431 | 501 | 505;
  readonly reason: string;
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** A lone line end or another control character in it would be read in two ways. */
const REQUEST_LINE = /^([^ ]+) ([^\0-\x20\x7f]+) HTTP\/(\d)\.(\d)$/;

/** RFC 9110 section 5.5: in a value nothing of these is more than an attack. */
// deno-lint-ignore no-control-regex
const BAD_IN_VALUE = /[\0-\x08\n-\x1f\x7f]/;

const NOT_ASCII = /[^\0-\x7f]/g;

const decoder = new TextDecoder();

/**
 * Reads a request's head (RFC 9112 sections 3 and 5), strictly: what two servers could read in two
 * ways is refused, since one of them may stand in front of us.
 *
 * @param bytes Without the empty line at its end, and without the line end before that.
 * @param known What was made of the very same fields before; then the bytes are the first line alone.
 */
export function parseHead(
  bytes: Uint8Array,
  known: HeaderFields | null = null,
): RequestHead | Unreadable {
  const lines = latin1(bytes).split("\r\n");
  const line = lines[0] ?? "";
  const [, method = "", sent = "", major, minor] = REQUEST_LINE.exec(line) ?? [];
  if (major === undefined) return bad("the first line is no request line");
  if (major !== "1") return { status: 505, reason: "HTTP/1.1 is spoken here" };
  if (!TOKEN.test(method)) return bad("the method is no token");
  if (lines.length - 1 > MAX_FIELDS) {
    return { status: 431, reason: `More than ${MAX_FIELDS} header fields` };
  }
  const fields = known ?? readFields(lines);
  if ("status" in fields) return fields;
  return {
    method,
    // As a URL holds it.
    target: sent.replace(NOT_ASCII, percentEncoded),
    minor: minor === "0" ? 0 : 1,
    fields,
  };
}

/** @param lines The first is not looked at. */
function readFields(lines: readonly string[]): HeaderFields | Unreadable {
  const fields: [string, string][] = [];
  for (let at = 1; at < lines.length; at++) {
    const text = lines[at] ?? "";
    const colon = text.indexOf(":");
    // Also what is folded (section 5.2) or has a space before its colon (section 5.1).
    const name = text.slice(0, colon);
    if (colon < 1 || !TOKEN.test(name)) return bad("a line of the head is no header field");
    const value = trimmed(text, colon + 1);
    if (BAD_IN_VALUE.test(value)) return bad("a header field holds a control character");
    fields.push([name.toLowerCase(), value]);
  }
  return new HeaderFields(fields);
}

function bad(what: string): Unreadable {
  return { status: 400, reason: `Cannot read the request: ${what}` };
}

/** One character for each byte. */
function latin1(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // What is ASCII, as nearly all heads are, has as many characters either way.
  if (text.length === bytes.byteLength && !text.includes("\ufffd")) return text;
  let slow = "";
  for (const byte of bytes) slow += String.fromCharCode(byte);
  return slow;
}

/** Without the spaces and tabs around it, from `start` on. */
function trimmed(text: string, start: number): string {
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
