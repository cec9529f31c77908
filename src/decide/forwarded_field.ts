/** What one proxy says of the request that it had (RFC 7239); null: it does not say. */
export interface ForwardedElement {
  readonly for: string | null;
  readonly host: string | null;
  readonly proto: string | null;
}

/** `token "=" ( token / quoted-string )` at the place where the last one ended: section 4. */
const PAIR =
  /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")[ \t]*/y;

/**
 * Reads `Forwarded` (RFC 7239 section 4): one element for each proxy, the nearest one last. Empty
 * when the field cannot be read as a whole: whoever wrote half of it wrote all of it.
 */
export function parseForwarded(field: string): readonly ForwardedElement[] {
  const elements: ForwardedElement[] = [];
  let pairs = new Map<string, string>();
  for (let at = 0;;) {
    PAIR.lastIndex = at;
    const [whole, name, token, quoted] = PAIR.exec(field) ?? [];
    if (whole === undefined || name === undefined) return [];
    pairs.set(name.toLowerCase(), token ?? (quoted ?? "").replace(/\\(.)/g, "$1"));
    at += whole.length;
    const separator = field[at];
    if (separator === ",") pairs = closeElement(elements, pairs);
    if (separator === undefined) {
      closeElement(elements, pairs);
      return elements;
    }
    if (separator !== "," && separator !== ";") return [];
    at++;
  }
}

function closeElement(elements: ForwardedElement[], pairs: Map<string, string>): typeof pairs {
  elements.push({
    for: pairs.get("for") ?? null,
    host: pairs.get("host") ?? null,
    proto: pairs.get("proto") ?? null,
  });
  return new Map();
}
