import type { Key } from "../../types.ts";

/** What a digest is made by, the strongest first: the order in which one of several is chosen. */
export const ALGORITHMS = ["sha256", "sha512", "sha384", "h1", "sha1", "md5"] as const;

/** `h1` is what Go makes of a module's zip or of its `go.mod`: golang.org/x/mod/sumdb/dirhash. */
export type DigestAlgorithm = typeof ALGORITHMS[number];

/** What bytes must be. */
export interface Digest {
  readonly algorithm: DigestAlgorithm;
  /** In lower-case hexadecimal. */
  readonly value: string;
}

/** What a list says of a file. */
export interface PublishedFile {
  readonly key: Key;
  readonly digest: Digest;
  /** Bytes; null: not said. */
  readonly size: number | null;
  /** The key under which the same file has a name that says more; null: this is the name. */
  readonly alias: Key | null;
}

const HEX_DIGITS: Readonly<Record<DigestAlgorithm, number>> = {
  sha256: 64,
  sha512: 128,
  sha384: 96,
  h1: 64,
  sha1: 40,
  md5: 32,
};

/** A digest in hexadecimal; null when it is none of that algorithm. */
export function hexDigest(algorithm: string, value: string): Digest | null {
  const name = algorithmOf(algorithm);
  if (name === null || value.length !== HEX_DIGITS[name] || !/^[0-9a-f]+$/i.test(value)) {
    return null;
  }
  return { algorithm: name, value: value.toLowerCase() };
}

/** A digest in base64 (RFC 4648 section 4); null when it is none of that algorithm. */
export function base64Digest(algorithm: string, value: string): Digest | null {
  let bytes: string;
  try {
    bytes = atob(value);
  } catch {
    return null;
  }
  let hex = "";
  for (let i = 0; i < bytes.length; i++) hex += bytes.charCodeAt(i).toString(16).padStart(2, "0");
  return hexDigest(algorithm, hex);
}

/** The one of several that is checked: a weak one only when there is nothing better. */
export function strongest(digests: readonly (Digest | null)[]): Digest | null {
  for (const algorithm of ALGORITHMS) {
    const found = digests.find((digest) => digest?.algorithm === algorithm) ?? null;
    if (found !== null) return found;
  }
  return null;
}

/** `sha` is what rpm calls SHA-1. */
function algorithmOf(name: string): DigestAlgorithm | null {
  const plain = name.toLowerCase().replace("-", "");
  if (plain === "sha") return "sha1";
  return ALGORITHMS.find((it) => it === plain) ?? null;
}
