import type { HeaderList } from "../types.ts";

/** Fields of an answer that are read; more are refused. */
export const MAX_ANSWER_FIELDS = 256;

/** The head of a mirror's answer (RFC 9112 section 4). */
export interface AnswerHead {
  readonly status: number;
  /** Of HTTP/1.x. */
  readonly minor: 0 | 1;
  /** Names in lower case, each once; lines of one field are one list (RFC 9110 section 5.3). */
  readonly headers: HeaderList;
}

/** Where the body of an answer ends. */
export type AnswerFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** Where the connection ends: whether that was all, nobody knows. */
  | { readonly kind: "close" };

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;

/** RFC 9110 section 5.5. */
// deno-lint-ignore no-control-regex
const BAD_IN_VALUE = /[\0-\x08\n-\x1f\x7f]/;

const LENGTH = /^(\d{1,15})(?:\s*,\s*\1)*$/;

const decoder = new TextDecoder();

/**
 * Reads the head of a mirror's answer, strictly: what could be read in two ways is refused. Lines may
 * end without a CR, as some old servers end theirs (RFC 9112 section 2.2).
 *
 * @param bytes Up to the empty line at its end, or including it.
 * @returns In a few words what is wrong with it, if something is.
 */
export function parseAnswerHead(bytes: Uint8Array): AnswerHead | string {
  const lines = latin1(bytes).split("\n");
  const [, minor, status] = STATUS_LINE.exec(withoutCr(lines[0] ?? "")) ?? [];
  if (status === undefined) return "its first line is no status line of HTTP/1";
  if (lines.length > MAX_ANSWER_FIELDS) {
    return `it has more than ${MAX_ANSWER_FIELDS} header fields`;
  }
  const headers: [string, string][] = [];
  const places = new Map<string, number>();
  for (let at = 1; at < lines.length; at++) {
    const line = withoutCr(lines[at] ?? "");
    if (line === "") break;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    // Also what is folded (section 5.2) or has a space before its colon (section 5.1).
    if (!TOKEN.test(name)) return "a line of its head is no header field";
    const value = line.slice(colon + 1).trim();
    if (BAD_IN_VALUE.test(value)) return "a header field holds a control character";
    const key = name.toLowerCase();
    const place = places.get(key);
    const before = place === undefined ? undefined : headers[place];
    // RFC 6265 section 3: these alone are no list.
    if (before !== undefined && key !== "set-cookie") before[1] += `, ${value}`;
    else places.set(key, headers.push([key, value]) - 1);
  }
  return { status: Number(status), minor: minor === "0" ? 0 : 1, headers };
}

/**
 * How long the body of an answer is (RFC 9112 section 6.3).
 *
 * @returns In a few words what is wrong with it, if something is.
 */
export function framingOfAnswer(
  method: string,
  { status, minor, headers }: AnswerHead,
): AnswerFraming | string {
  let coding: string | null = null;
  let length: string | null = null;
  for (const [name, value] of headers) {
    if (name === "transfer-encoding") coding = value;
    else if (name === "content-length") length = value;
  }
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { kind: "none" };
  }
  if (coding !== null) {
    // Section 6.3: an attempt at smuggling, or a broken server; the two need not agree.
    if (length !== null) return "it has both a length and a transfer coding";
    if (minor === 0 || coding.toLowerCase() !== "chunked") {
      return "its transfer coding is not known";
    }
    return { kind: "chunked" };
  }
  if (length === null) return { kind: "close" };
  const bytes = LENGTH.exec(length)?.[1];
  if (bytes === undefined) return "its Content-Length is not one number";
  return { kind: "length", bytes: Number(bytes) };
}

/** Whether the connection may be used for another request (RFC 9112 section 9.3). */
export function staysOpen({ minor, headers }: AnswerHead): boolean {
  for (const [name, value] of headers) {
    if (name !== "connection") continue;
    const options = value.toLowerCase().split(",").map((option) => option.trim());
    if (options.includes("close")) return false;
    return minor === 1 || options.includes("keep-alive");
  }
  return minor === 1;
}

/** Where the head in a buffer ends, its empty line included; -1: not yet. */
export function endOfHead(buffer: Uint8Array, start: number, end: number): number {
  for (let at = start;; at++) {
    at = buffer.indexOf(0x0a, at);
    if (at === -1 || at + 1 >= end) return -1;
    if (buffer[at + 1] === 0x0a) return at + 2;
    if (buffer[at + 1] === 0x0d && at + 2 < end && buffer[at + 2] === 0x0a) return at + 3;
  }
}

function withoutCr(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
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
