import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import yauzl from "yauzl";

/** Go takes no module that is larger than this when it is unpacked. */
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024;

/**
 * What Go calls the `h1` of a module's zip: the SHA-256 of the list of its files with their own. In
 * lower-case hexadecimal; null when the zip cannot be read.
 *
 * https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1
 *
 * @param zip Its path, or its bytes.
 */
export async function h1OfZip(zip: string | Uint8Array): Promise<string | null> {
  try {
    const file = typeof zip === "string"
      ? await yauzl.openPromise(zip)
      : await yauzl.fromBufferPromise(Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength));
    try {
      const files: [name: string, digest: string][] = [];
      let unpacked = 0;
      for await (const entry of file.eachEntry()) {
        const hash = createHash("sha256");
        for await (const chunk of await file.openReadStreamPromise(entry)) {
          unpacked += chunk.byteLength;
          if (unpacked > MAX_UNPACKED_BYTES) return null;
          hash.update(chunk);
        }
        files.push([entry.fileName, hash.digest("hex")]);
      }
      return h1OfFiles(files);
    } finally {
      if (typeof zip === "string") file.close();
    }
  } catch {
    return null;
  }
}

/** The `h1` of a `go.mod`, by its SHA-256 in hexadecimal. */
export function h1OfMod(sha256: string): string {
  return h1OfFiles([["go.mod", sha256]]);
}

function h1OfFiles(files: readonly (readonly [name: string, digest: string])[]): string {
  const hash = createHash("sha256");
  for (const [name, digest] of [...files].sort(([a], [b]) => a < b ? -1 : 1)) {
    hash.update(`${digest}  ${name}\n`);
  }
  return hash.digest("hex");
}
