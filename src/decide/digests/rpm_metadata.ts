import { Parser } from "htmlparser2";
import { type Digest, hexDigest } from "./digest.ts";
import { folderBefore, folderOf, keyBelow } from "./key_below.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";

/** A longer text in a tag is none that counts here. */
const MAX_TEXT_UNITS = 1024;

/**
 * What rpm's repositories say of their files: `repomd.xml` of the other metadata, `primary.xml` of
 * the packages. Both name files relative to the folder that has `repodata`.
 *
 * https://github.com/rpm-software-management/createrepo_c describes neither; this is what it writes.
 */
export class RpmMetadata implements ListParser {
  readonly #folder: string;
  readonly #place: ListPlace;
  readonly #tell: Tell;
  /** Names of the tags that are open. */
  readonly #open: string[] = [];
  readonly #parser: Parser;
  readonly #item: "data" | "package";
  #text = "";
  #checksumType: string | null = null;
  #digest: Digest | null = null;
  #size: number | null = null;
  #location: { readonly href: string; readonly base: string | null } | null = null;

  constructor(place: ListPlace, tell: Tell, item: "data" | "package") {
    this.#folder = folderBefore(place.key, "repodata") ?? folderOf(place.key);
    this.#place = place;
    this.#tell = tell;
    this.#item = item;
    this.#parser = new Parser({
      onopentag: (name, attributes) => this.#opened(name, attributes),
      ontext: (text) => this.#told(text),
      onclosetag: (name) => this.#closed(name),
    }, { xmlMode: true, decodeEntities: true });
  }

  push(text: string): void {
    this.#parser.write(text);
  }

  end(): void {
    this.#parser.end();
  }

  #opened(name: string, attributes: Readonly<Record<string, string>>): void {
    const parent = this.#open.at(-1);
    this.#open.push(name);
    if (name === this.#item) this.#begin();
    // What is deeper in belongs to something else: what a package provides, files in it.
    if (parent !== this.#item) return;
    this.#text = "";
    if (name === "checksum") this.#checksumType = attributes["type"] ?? null;
    if (name === "location") {
      const { href, "xml:base": base = null } = attributes;
      this.#location = href === undefined ? null : { href, base };
    }
    if (name === "size" && this.#item === "package") this.#size = sizeOf(attributes["package"]);
  }

  #told(text: string): void {
    if (this.#open.at(-2) !== this.#item) return;
    if (this.#text.length < MAX_TEXT_UNITS) this.#text += text;
  }

  #closed(name: string): void {
    if (this.#open.pop() === undefined) return;
    if (this.#open.at(-1) === this.#item) {
      const text = this.#text.trim();
      if (name === "checksum") this.#digest = hexDigest(this.#checksumType ?? "", text);
      if (name === "size" && this.#item === "data") this.#size = sizeOf(text);
    }
    if (name === this.#item) this.#endItem();
  }

  #begin(): void {
    this.#checksumType = null;
    this.#digest = null;
    this.#size = null;
    this.#location = null;
  }

  #endItem(): void {
    if (this.#location === null || this.#digest === null) return;
    const { href, base } = this.#location;
    const key = base === null
      ? keyBelow(this.#folder, href)
      : this.#place.keyOfLink(href, base.endsWith("/") ? base : `${base}/`);
    if (key !== null) this.#tell({ key, digest: this.#digest, size: this.#size, alias: null });
  }
}

function sizeOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
