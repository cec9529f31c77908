import { hexDigest } from "./digest.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { TextLines } from "./text_lines.ts";

/** What a registry's `dl` may hold: https://doc.rust-lang.org/cargo/reference/registry-index.html */
const MARKER = /\{(?:crate|version|prefix|lowerprefix|sha256-checksum)\}/;

/** A crate's file in a registry's index: a line of JSON for each version. */
export class CargoIndex implements ListParser {
  readonly #place: ListPlace;
  readonly #tell: Tell;
  readonly #template: string | null;
  readonly #lines = new TextLines((line) => this.#line(line));

  constructor(place: ListPlace, tell: Tell) {
    this.#place = place;
    this.#tell = tell;
    this.#template = downloadTemplate(place.cargoConfig);
  }

  push(text: string): void {
    if (this.#template !== null) this.#lines.push(text);
  }

  end(): void {
    this.#lines.end();
  }

  #line(line: string): void {
    const { name, vers, cksum } = parsed(line);
    if (typeof name !== "string" || typeof vers !== "string" || typeof cksum !== "string") return;
    const digest = hexDigest("sha256", cksum);
    if (digest === null || this.#template === null) return;
    const key = this.#place.keyOfLink(crateUrl(this.#template, name, vers, cksum));
    if (key !== null) this.#tell({ key, digest, size: null, alias: null });
  }
}

/** The root of the index that a crate's file is in, with a slash: by the folders of its name. */
export function cargoIndexRoot(key: string): string | null {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const folders = `/${indexFolders(name)}/${name}`;
  return key.toLowerCase().endsWith(folders.toLowerCase())
    ? key.slice(0, key.length - folders.length + 1)
    : null;
}

function downloadTemplate(config: string | null): string | null {
  const { dl } = parsed(config ?? "");
  if (typeof dl !== "string") return null;
  return MARKER.test(dl) ? dl : `${dl.replace(/\/$/, "")}/{crate}/{version}/download`;
}

function crateUrl(template: string, name: string, version: string, checksum: string): string {
  return template
    .replaceAll("{crate}", name)
    .replaceAll("{version}", version)
    .replaceAll("{prefix}", indexFolders(name))
    .replaceAll("{lowerprefix}", indexFolders(name.toLowerCase()))
    .replaceAll("{sha256-checksum}", checksum);
}

function indexFolders(name: string): string {
  if (name.length <= 2) return String(name.length);
  if (name.length === 3) return `3/${name.slice(0, 1)}`;
  return `${name.slice(0, 2)}/${name.slice(2, 4)}`;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // A line that is none says nothing.
  }
  return {};
}
