import type { HeaderList } from "../types.ts";

const encoder = new TextEncoder();

/** What no field of a request may hold: it would begin another one. */
const BAD_IN_FIELD = /[\0\r\n]|[^\0-\xff]/;

/**
 * A request without a body as it goes on the wire (RFC 9112 section 3).
 *
 * @param fields Names in lower case.
 * @throws {TypeError} When a field cannot be sent.
 */
export function requestText(
  method: string,
  { pathname, search, host }: Pick<URL, "pathname" | "search" | "host">,
  fields: Iterable<HeaderList[number]>,
): Uint8Array<ArrayBuffer> {
  let text = `${method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of fields) {
    if (BAD_IN_FIELD.test(value)) throw new TypeError(`Cannot send header field ${name}`);
    text += `${name}: ${value}\r\n`;
  }
  text += "\r\n";
  const bytes = encoder.encode(text);
  if (bytes.byteLength === text.length) return bytes;
  // One byte for each character: values are bytes that nobody has decoded.
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
