import { type Digest, hexDigest } from "./digest.ts";

/** https://wiki.debian.org/DebianRepository/Format#indices_acquisition_via_hashsums_.28by-hash.29 */
const BY_HASH = /\/by-hash\/(MD5|SHA1|SHA256|SHA512)(?:Sum)?\/([0-9a-f]+)$/i;

/** As registries of images write it: https://github.com/opencontainers/distribution-spec */
const NAMED = /(?:^|\/)(sha256|sha512):([0-9a-f]+)$/;

/** A segment that is a digest, or that begins with one and goes on with something else. */
const BARE = /(?:^|\/)([0-9a-f]{64}|[0-9a-f]{128})(?:[^0-9a-f/][^/]*)?$/;

/** What the end of a path says of the file's bytes; null when it says nothing. */
export function digestInPath(path: string): Digest | null {
  const plain = path.replace(/%3a/gi, ":");
  const [, algorithm, value] = BY_HASH.exec(plain) ?? NAMED.exec(plain) ?? [];
  if (algorithm !== undefined && value !== undefined) return hexDigest(algorithm, value);
  const bare = BARE.exec(plain)?.[1];
  return bare === undefined ? null : hexDigest(bare.length === 64 ? "sha256" : "sha512", bare);
}
