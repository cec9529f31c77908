import type { Key } from "../../types.ts";
import type { PublishedFile } from "./digest.ts";

/** Reads a list piece by piece and tells each file as soon as it knows it. Never throws. */
export interface ListParser {
  /** Takes the next piece of the text, of any length. */
  push(text: string): void;
  /** There is no more. */
  end(): void;
}

/** Told of each file that a list names. */
export type Tell = (file: PublishedFile) => void;

/** Where a list stands, and so what the names in it mean. */
export interface ListPlace {
  /** The list's own key: without a query, and with the name that it has by its anchor. */
  readonly key: Key;
  /**
   * The key of what a link in the list names; null when it is not to be had from us. A link is
   * relative to `base`, that one to the list.
   */
  readonly keyOfLink: (link: string, base?: string) => Key | null;
  /** The text of `config.json` at the root of cargo's index; null: not known. */
  readonly cargoConfig: string | null;
}
