import { escape, unescape } from "@std/html";
import { joined, type LinkRewriter, type MapLink } from "./link_rewriter.ts";

/** A longer one is passed on as it is: those of large distributions have 100 KiB. */
const MAX_LIST_BYTES = 1024 * 1024;

/**
 * RFC 5854 and its older form, which the mirror managers of rpm distributions write. In linear time,
 * whatever the text is.
 */
const XML_URL = /<url\b[^<>]*>([^<]*)<\/url>/g;

/** One address a line; what begins with `#` is a comment. */
const PLAIN_URL = /^(?!#)[ \t]*(\S+)[ \t]*\n?/gm;

const NOTHING = new Uint8Array();

/**
 * Replaces the addresses of a list of mirrors, a metalink or plain lines, by ours. Where one is ours
 * those that are not are left out, since clients choose among all of them and would go past us; where
 * none is, the list stays as it is. It is held back as a whole.
 */
export class MirrorList implements LinkRewriter {
  readonly #map: MapLink;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isTooLong = false;

  constructor(map: MapLink) {
    this.#map = map;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#isTooLong) return chunk;
    // A copy: whoever has given the chunk may fill it anew.
    this.#held.push(chunk.slice());
    this.#heldBytes += chunk.byteLength;
    this.#isTooLong = this.#heldBytes > MAX_LIST_BYTES;
    return this.#isTooLong ? this.#take() : NOTHING;
  }

  end(): Uint8Array {
    const bytes = this.#take();
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const isXml = text.trimStart().startsWith("<");
    const ours = new Set<string>();
    const rewritten = text.replaceAll(isXml ? XML_URL : PLAIN_URL, (all, written: string) => {
      const link = isXml ? unescape(written.trim()) : written;
      const own = this.#map(link);
      // Several mirrors of one mount have one address here.
      if (own === null || ours.has(own)) return "";
      ours.add(own);
      // Not by a pattern: an address may have a dollar in it.
      return all.split(written).join(isXml ? escape(own) : own);
    });
    return ours.size === 0 ? bytes : new TextEncoder().encode(rewritten);
  }

  #take(): Uint8Array {
    const bytes = joined(this.#held);
    this.#held = [];
    return bytes;
  }
}
