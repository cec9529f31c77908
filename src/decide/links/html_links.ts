import { escape, unescape } from "@std/html";
import type { LinkRewriter, MapLink } from "./link_rewriter.ts";
import { Splice } from "./splice.ts";

/** A longer name is none that matters here. */
const MAX_NAME_UNITS = 16;

const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Elements whose text has no tags in it: HTML section 13.2.6.4. */
const OPAQUE: ReadonlySet<string> = new Set([
  ...["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"],
]);

type State =
  | "text"
  /** Behind `<`. */
  | "tag-open"
  /** Behind `</`. */
  | "end-tag-open"
  | "tag-name"
  | "before-name"
  | "name"
  | "after-name"
  | "before-value"
  | "double-quoted"
  | "single-quoted"
  | "unquoted"
  /** Behind `<!` and perhaps a dash. */
  | "markup"
  | "comment"
  /** Up to the next `>`. */
  | "bogus"
  /** In the text of an opaque element. */
  | "opaque"
  /** Behind `<` there, and what may be its end tag so far. */
  | "opaque-end";

/** What ends a state in which nothing else matters: most of a page is passed by such jumps. */
const ENDS: ReadonlyMap<State, number> = new Map([
  ["text", 0x3c],
  ["double-quoted", 0x22],
  ["single-quoted", 0x27],
  ["bogus", 0x3e],
  ["opaque", 0x3c],
]);

/**
 * Replaces `href` of the `a` elements of a page, and shows the `href` of the first `base`. Reads as
 * [HTML section 13.2.5](https://html.spec.whatwg.org/multipage/parsing.html#tokenization) says, on
 * bytes, in any encoding that has ASCII where ASCII has it. What it does not look for costs no
 * memory.
 */
export class HtmlLinks implements LinkRewriter {
  readonly #map: MapLink;
  readonly #onBase: (link: string) => void;
  readonly #splice = new Splice();
  #state: State = "text";
  #isEndTag = false;
  /** Of the element, in lower case. */
  #tag = "";
  /** Of the attribute, in lower case. */
  #name = "";
  #hasBase = false;
  /** What was read last of a comment (its first two characters included) or of an end tag. */
  #read = "";

  /** @param onBase Called before any link behind it. */
  constructor(map: MapLink, onBase: (link: string) => void) {
    this.#map = map;
    this.#onBase = onBase;
  }

  push(chunk: Uint8Array): Uint8Array {
    this.#splice.begin(chunk);
    for (let at = 0; at < chunk.byteLength; at++) {
      const end = ENDS.get(this.#state);
      if (end !== undefined) at = chunk.indexOf(end, at);
      if (at === -1) break;
      this.#state = this.#step(String.fromCharCode(chunk[at] ?? 0), at);
    }
    return this.#splice.flush();
  }

  end(): Uint8Array {
    return this.#splice.end();
  }

  /** One character further. */
  #step(char: string, at: number): State {
    switch (this.#state) {
      case "tag-name":
      case "before-name":
      case "name":
      case "after-name":
        return this.#inTag(char);
      case "before-value":
      case "double-quoted":
      case "single-quoted":
      case "unquoted":
        return this.#inValue(char, at);
      case "opaque":
      case "opaque-end":
        return this.#inOpaque(char);
      default:
        return this.#outside(char);
    }
  }

  #outside(char: string): State {
    switch (this.#state) {
      case "text":
        return "tag-open";
      case "tag-open":
        if (isLetter(char)) return this.#beginTag(char, false);
        this.#read = "";
        if (char === "/") return "end-tag-open";
        if (char === "!") return "markup";
        if (char === "?") return "bogus";
        return char === "<" ? "tag-open" : "text";
      case "end-tag-open":
        if (isLetter(char)) return this.#beginTag(char, true);
        return char === ">" ? "text" : "bogus";
      case "markup":
        if (char === ">") return "text";
        if (char !== "-") return "bogus";
        this.#read += char;
        if (this.#read !== "--") return "markup";
        this.#read = "";
        return "comment";
      case "comment":
        // The whole comment may be `<!-->` or `<!--->`.
        if (char === ">" && /^-?$|--!?$/.test(this.#read)) return "text";
        this.#read = (this.#read + char).slice(-4);
        return "comment";
      default:
        return char === ">" ? "text" : "bogus";
    }
  }

  #beginTag(char: string, isEndTag: boolean): State {
    this.#isEndTag = isEndTag;
    this.#tag = char.toLowerCase();
    return "tag-name";
  }

  #inTag(char: string): State {
    const state = this.#state;
    if (char === ">") return this.#endTag();
    if (char === "/") return "before-name";
    if (isSpace(char)) {
      return state === "name" ? "after-name" : state === "tag-name" ? "before-name" : state;
    }
    if (state === "tag-name") {
      this.#tag = longer(this.#tag, char);
      return state;
    }
    if (char === "=" && state !== "before-name") return "before-value";
    this.#name = state === "name" ? longer(this.#name, char) : char.toLowerCase();
    return "name";
  }

  #inValue(char: string, at: number): State {
    switch (this.#state) {
      case "double-quoted":
        if (char !== '"') return "double-quoted";
        break;
      case "single-quoted":
        if (char !== "'") return "single-quoted";
        break;
      case "unquoted":
        if (char !== ">" && !isSpace(char)) return "unquoted";
        this.#endValue(at);
        return char === ">" ? this.#endTag() : "before-name";
      default:
        if (isSpace(char)) return "before-value";
        if (char === ">") return this.#endTag();
        if (this.#isLink()) this.#splice.hold(at);
        return char === '"' ? "double-quoted" : char === "'" ? "single-quoted" : "unquoted";
    }
    this.#endValue(at + 1);
    return "before-name";
  }

  #endTag(): State {
    if (this.#isEndTag || !OPAQUE.has(this.#tag)) return "text";
    this.#read = "";
    return "opaque";
  }

  #inOpaque(char: string): State {
    if (char === "<") this.#read = "<";
    else if (this.#state === "opaque") return "opaque";
    else {
      const endTag = `</${this.#tag}`;
      if (this.#read === endTag && (isSpace(char) || char === "/" || char === ">")) {
        this.#isEndTag = true;
        this.#state = "tag-name";
        return this.#inTag(char);
      }
      this.#read += char.toLowerCase();
      if (!endTag.startsWith(this.#read)) return "opaque";
    }
    return "opaque-end";
  }

  #isLink(): boolean {
    if (this.#isEndTag || this.#name !== "href") return false;
    return this.#tag === "a" || (this.#tag === "base" && !this.#hasBase);
  }

  #endValue(at: number): void {
    const isBase = this.#tag === "base";
    this.#splice.replace(at, (written) => {
      const link = attributeValue(written);
      if (link === null) return null;
      if (isBase) {
        this.#hasBase = true;
        this.#onBase(link);
        return null;
      }
      const replacement = this.#map(link);
      return replacement === null ? null : new TextEncoder().encode(`"${escape(replacement)}"`);
    });
  }
}

/** The value as it was written, with or without quotes; null when it is not UTF-8. */
function attributeValue(written: Uint8Array): string | null {
  try {
    const text = UTF_8.decode(written);
    return unescape(text.replace(/^(["'])(.*)\1$/s, "$2"));
  } catch {
    return null;
  }
}

function longer(name: string, char: string): string {
  return name.length > MAX_NAME_UNITS ? name : name + char.toLowerCase();
}

function isLetter(char: string): boolean {
  return /[A-Za-z]/.test(char);
}

function isSpace(char: string): boolean {
  return char === " " || char === "\n" || char === "\t" || char === "\r" || char === "\f";
}
