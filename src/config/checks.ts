/**
 * Rules for single strings of the config file.
 *
 * @module
 */

import { isIP } from "node:net";

const MAX_PORT = 65_535;

/** https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const MAX_HOSTNAME_CHARS = 253;

/** A label of a host name: https://www.rfc-editor.org/rfc/rfc1123#section-2.1 */
const HOSTNAME_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** Leaves room for what replaces the `*`: file systems take 255 bytes. */
const MAX_TEMPORARY_FILE_PATTERN_CHARS = 100;

/** What names of header fields and methods are: RFC 9110 section 5.6.2. */
export const TOKEN_SHAPE = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

const TOKEN = new RegExp(`^${TOKEN_SHAPE}$`);

/**
 * Methods that a fetch cannot send (https://fetch.spec.whatwg.org/#forbidden-method); a tunnel and
 * a loop-back of the request, credentials included, are nothing for a cache anyway.
 */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Bytes without NUL, CR and LF: https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
const HEADER_VALUE = /^[^\0\r\n\u0100-\uffff]*$/;

/** What the names of upstreams go into (RFC 8941 strings among them) takes no other characters. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

const BEARER_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Schemes of proxies that can be dialled. */
const PROXY_URL = /^(?:https?|socks5h?):\/\//i;

/** Whether the text can name a header field or a method. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether requests of this method, in any case, can be passed on to an upstream. */
export function isPassableMethod(method: string): boolean {
  return !FORBIDDEN_METHODS.has(method.toUpperCase());
}

/** Whether the text can name files in a folder, `*` being any characters. */
export function isAnchorName(text: string): boolean {
  return /^[^/]+$/.test(text);
}

export function isHeaderValue(text: string): boolean {
  return HEADER_VALUE.test(text);
}

/** Whether the text can name an upstream in logs, metrics and headers: in brackets are names of ours. */
export function isUpstreamName(text: string): boolean {
  return PRINTABLE_ASCII.test(text) && !/^\(.*\)$/.test(text);
}

/** An IP address or a host name, without a port. */
export function isAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const labels = text.replace(/\.$/, "").split(".");
  // What ends in a number is a mistyped IPv4 address:
  // https://url.spec.whatwg.org/#ends-in-a-number-checker
  if (/^\d+$/.test(labels.at(-1) ?? "")) return false;
  return text.length <= MAX_HOSTNAME_CHARS && labels.every((label) => HOSTNAME_LABEL.test(label));
}

/** Whether nobody but this machine can connect to an address. */
export function isLoopback(address: string): boolean {
  const name = address.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isIP(name) === 4 ? name.startsWith("127.") : name === "::1";
}

/** What a client can send behind `Bearer`: RFC 6750 section 2.1. */
export function isBearerToken(text: string): boolean {
  return BEARER_TOKEN.test(text);
}

/** A file name with a `*` in it, that stays in its directory. */
export function isTemporaryFilePattern(text: string): boolean {
  return text.includes("*") && !/[/\\\0]/.test(text) &&
    text.length <= MAX_TEMPORARY_FILE_PATTERN_CHARS;
}

export function isProxyUrl(text: string): boolean {
  const url = URL.parse(text);
  return PROXY_URL.test(text) && url !== null && url.hostname !== "" &&
    (url.pathname === "" || url.pathname === "/") && url.search === "" && url.hash === "";
}

/** What is wrong with the base URL of an upstream; null when it is right. */
export function baseUrlProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//i.test(text)) {
    return "expected a valid http:// or https:// URL";
  }
  if (url.username !== "" || url.password !== "") {
    return "expected a URL without credentials, give them in headers";
  }
  if (text.includes("?")) return "expected a URL without a query";
  if (text.includes("#")) return "expected a URL without a fragment";
  return null;
}

/** A host name in which `*` is any characters, or an IP address; with or without a port. */
export function isHostPattern(text: string): boolean {
  const [, host = "", port = "0"] = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (Number(port) > MAX_PORT) return false;
  if (host.startsWith("[")) return isIP(host.slice(1, -1)) === 6;
  return host !== "" && isAddress(host.replaceAll("*", "a"));
}

/** An IP address, or a network as `address/bits`. */
export function isNetworkAddress(text: string): boolean {
  const [address = "", bits, ...others] = text.split("/");
  const version = isIP(address);
  if (version === 0 || others.length > 0) return false;
  return bits === undefined ||
    (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Where an upstream is mounted: a path of segments that need no escaping, no slash at its end. */
export function isMount(text: string): boolean {
  return /^(?:\/[\w.~!&'()*+,;=:@-]+)*\/?$/.test(text) && !/\/\.{1,2}(?:\/|$)/.test(text);
}
