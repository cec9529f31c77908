import { Parser } from "htmlparser2";
import { type Digest, hexDigest, strongest } from "./digest.ts";
import { JsonItems } from "./json_items.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";

/** Of what a file's metadata is called (PEP 714 and before): in HTML … */
const METADATA_ATTRIBUTES = ["data-core-metadata", "data-dist-info-metadata"];

/** … and in JSON. */
const METADATA_MEMBERS = ["core-metadata", "data-dist-info-metadata", "dist-info-metadata"];

/**
 * A project's page in an index of Python packages, in HTML (PEP 503, a digest behind each link's
 * `#`) or JSON (PEP 691), with the metadata files beside the packages (PEP 658).
 */
export class SimpleIndex implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  /** null: nothing but white space has come. */
  #form: ListParser | null = null;

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
  }

  push(text: string): void {
    if (this.#form === null) {
      const first = text.trimStart()[0];
      if (first === undefined) return;
      this.#form = first === "{"
        ? new JsonPage(this.#place, this.#tell)
        : new HtmlPage(this.#place, this.#tell);
    }
    this.#form.push(text);
  }

  end(): void {
    this.#form?.end();
  }
}

class HtmlPage implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  readonly #parser = new Parser({
    onopentag: (name, attributes) => this.#opened(name, attributes),
  }, { decodeEntities: true });
  #base: string | undefined;

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
  }

  push(text: string): void {
    this.#parser.write(text);
  }

  end(): void {
    this.#parser.end();
  }

  #opened(name: string, attributes: Readonly<Record<string, string>>): void {
    const href = attributes["href"];
    if (href === undefined) return;
    if (name === "base") this.#base ??= href;
    if (name !== "a") return;
    const [link = "", fragment = ""] = href.split("#", 2);
    const key = this.#place.keyOfLink(link, this.#base);
    if (key === null) return;
    const digest = digestOf(fragment);
    if (digest !== null) this.#tell({ key, digest, size: null, alias: null });
    const named = METADATA_ATTRIBUTES.map((it) => attributes[it]).find((it) => it !== undefined);
    const metadata = digestOf(named ?? "");
    if (metadata === null) return;
    this.#tell({ key: `${key}.metadata`, digest: metadata, size: null, alias: null });
  }
}

class JsonPage implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  readonly #items = new JsonItems(["files", "*"], (item) => this.#file(item));

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
  }

  push(text: string): void {
    this.#items.push(text);
  }

  end(): void {
    this.#items.end();
  }

  #file(item: unknown): void {
    if (!isObject(item)) return;
    const file: Readonly<Record<string, unknown>> = { ...item };
    const { url, hashes, size } = file;
    const key = typeof url === "string" ? this.#place.keyOfLink(url) : null;
    if (key === null) return;
    const digest = digestIn(hashes);
    const bytes = typeof size === "number" && Number.isSafeInteger(size) && size >= 0 ? size : null;
    if (digest !== null) this.#tell({ key, digest, size: bytes, alias: null });
    const metadata = digestIn(METADATA_MEMBERS.map((it) => file[it]).find(isObject));
    if (metadata === null) return;
    this.#tell({ key: `${key}.metadata`, digest: metadata, size: null, alias: null });
  }
}

/** `sha256=…` */
function digestOf(text: string): Digest | null {
  const [, algorithm = "", value = ""] = /^([a-z0-9]+)=([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  return hexDigest(algorithm, value);
}

function digestIn(hashes: unknown): Digest | null {
  if (!isObject(hashes)) return null;
  return strongest(
    Object.entries(hashes).map(([algorithm, value]) =>
      typeof value === "string" ? hexDigest(algorithm, value) : null
    ),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
