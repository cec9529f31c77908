import { base64Digest, hexDigest, strongest } from "./digest.ts";
import { JsonItems } from "./json_items.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";

/**
 * A package's metadata, whole or abbreviated: `integrity` (https://www.w3.org/TR/SRI/) of each
 * version's tarball, or `shasum` where it is older than that.
 */
export class NpmMetadata implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  readonly #items = new JsonItems(["versions", "*", "dist"], (item) => this.#dist(item));

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

  #dist(item: unknown): void {
    if (typeof item !== "object" || item === null) return;
    const { tarball, integrity, shasum } = item as Readonly<Record<string, unknown>>;
    if (typeof tarball !== "string") return;
    const digests = typeof integrity === "string"
      ? integrity.trim().split(/\s+/).map((it) => {
        const [, algorithm = "", value = ""] = /^([a-z0-9]+)-([A-Za-z0-9+/=]+)/.exec(it) ?? [];
        return base64Digest(algorithm, value);
      })
      : [];
    if (typeof shasum === "string") digests.push(hexDigest("sha1", shasum));
    const digest = strongest(digests);
    const key = digest === null ? null : this.#place.keyOfLink(tarball);
    if (key !== null && digest !== null) this.#tell({ key, digest, size: null, alias: null });
  }
}
