import { base64Digest, type PublishedFile } from "../../../src/decide/digests/digest.ts";
import { keyOfUrlPath } from "../../../src/decide/digests/key_below.ts";
import { type ListFormat, parserOf } from "../../../src/decide/digests/parser_of.ts";

/** Of what a test is about. */
export interface ReadOptions {
  readonly cargoConfig?: string | null;
  /** Lengths of the pieces, used again and again; without them it comes as one. */
  readonly pieces?: readonly number[];
}

/** Links that begin with a slash are of this mirror, whose files clients have below `/m`. */
const MIRROR = "http://mirror.example.org";

/** All that a list tells, as one mirror's mounted at `/m`. */
export function readList(
  format: ListFormat,
  key: string,
  text: string,
  { cargoConfig = null, pieces = [] }: ReadOptions = {},
): PublishedFile[] {
  const files: PublishedFile[] = [];
  const keyOfLink = (link: string, base = ""): string | null => {
    const own = URL.parse(base, `${MIRROR}${key.slice("/m".length)}`);
    if (own === null || !URL.canParse(link, own)) return null;
    const url = new URL(link, own);
    return url.origin === MIRROR ? keyOfUrlPath(`/m${url.pathname}`) : null;
  };
  const parser = parserOf(format, { key, keyOfLink, cargoConfig }, (file) => files.push(file));
  for (let at = 0, n = 0; at < text.length; n++) {
    const length = pieces.length === 0 ? text.length : pieces[n % pieces.length] ?? 1;
    parser.push(text.slice(at, at + length));
    at += length;
  }
  parser.end();
  return files;
}

/** In short: key, algorithm, the first digits, the size and what it is called elsewhere. */
export function shown(files: readonly PublishedFile[]): string[] {
  return files.map(({ key, digest, size, alias }) =>
    [key, digest.algorithm, digest.value.slice(0, 4), size ?? "?", alias ?? ""].join(" ").trim()
  );
}

/** The hexadecimal form of a base64 digest. */
export function hexOf(algorithm: string, base64: string): string {
  return base64Digest(algorithm, base64)?.value ?? "";
}
