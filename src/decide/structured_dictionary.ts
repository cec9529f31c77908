/** Members of a Dictionary: the text of the bare item or inner list; null for Boolean true. */
export type Dictionary = ReadonlyMap<string, string | null>;

const KEY = String.raw`[a-z*][a-z0-9_.*-]*`;

/** The bare items of RFC 8941 section 3.3. Numbers that are too long leave digits unmatched. */
const BARE_ITEM = [
  String.raw`-?\d{1,12}\.\d{1,3}`,
  String.raw`-?\d{1,15}`,
  String.raw`"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"`,
  "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*",
  String.raw`:[A-Za-z0-9+/=]*:`,
  String.raw`\?[01]`,
].join("|");

const PARAMETERS = String.raw`(?:;\x20*${KEY}(?:=(?:${BARE_ITEM}))?)*`;
const ITEM = `(?:${BARE_ITEM})${PARAMETERS}`;
const INNER_LIST = String.raw`\(\x20*(?:${ITEM}(?:\x20+${ITEM})*\x20*)?\)`;

/** One member; its end is checked by {@linkcode SEPARATOR}. */
const MEMBER = new RegExp(`(${KEY})(?:=(${INNER_LIST}|${BARE_ITEM}))?${PARAMETERS}`, "y");

/** A comma that another member must follow, or the end. */
const SEPARATOR = /[ \t]*,[ \t]*(?!$)|\x20*$/y;

/**
 * Reads a Dictionary of Structured Fields
 * ([RFC 8941 section 4.2.2](https://www.rfc-editor.org/rfc/rfc8941#section-4.2.2)). A key that
 * comes again replaces the earlier one, a member that is Boolean false counts as absent, parameters
 * are checked and left out.
 *
 * @param text All lines of the field, joined with commas.
 * @returns null when any part of the field is malformed; an empty map for an empty field.
 */
export function parseDictionary(text: string): Dictionary | null {
  const members = new Map<string, string | null>();
  let at = /^\x20*/.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    MEMBER.lastIndex = at;
    const [member, key, value] = MEMBER.exec(text) ?? [];
    if (member === undefined || key === undefined) return null;
    SEPARATOR.lastIndex = at + member.length;
    const separator = SEPARATOR.exec(text);
    if (separator === null) return null;
    at += member.length + separator[0].length;
    // Section 3.2: without a value a member is true.
    if (value === "?0") members.delete(key);
    else members.set(key, value === undefined || value === "?1" ? null : value);
  }
  return members;
}
