import { createHash, type Hash } from "node:crypto";
import type { Digest, DigestAlgorithm } from "../decide/digests/digest.ts";
import type { Key } from "../types.ts";
import { h1OfMod, h1OfZip } from "./go_hash.ts";

/**
 * A zip of Go is looked into when it is complete, so it is held for that; one that is longer is not
 * checked on its way. Modules have some megabytes at most, hardly one has a tenth of this.
 */
const MAX_ZIP_BYTES = 32 * 1024 * 1024;

/** What came of comparing. `undecided`: nothing can be said, so nothing speaks against the bytes. */
export type Verdict = "same" | "other" | "undecided";

/** Compares bytes that come piece by piece with what they may be. */
export class ByteDigester {
  readonly #accepted: readonly Digest[];
  readonly #hashes = new Map<DigestAlgorithm, Hash>();
  readonly #isMod: boolean;
  readonly #path: string | null;
  /** Of a zip; null: not needed, or too long. */
  #held: Uint8Array[] | null = null;
  #heldBytes = 0;

  /**
   * @param accepted Any of them will do; at least one.
   * @param key Of the file: `h1` is one thing for a zip and another one for a `go.mod`.
   * @param path Where the complete file is by the time of `verdict`; null: nowhere yet.
   */
  constructor(accepted: readonly Digest[], key: Key, path: string | null = null) {
    this.#accepted = accepted;
    this.#isMod = key.endsWith(".mod");
    this.#path = path;
    for (const { algorithm } of accepted) {
      if (algorithm !== "h1") this.#hashes.set(algorithm, createHash(algorithm));
      else if (this.#isMod) this.#hashes.set(algorithm, createHash("sha256"));
      else if (path === null) this.#held = [];
    }
  }

  update(chunk: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    if (this.#held === null) return;
    this.#heldBytes += chunk.byteLength;
    if (this.#heldBytes <= MAX_ZIP_BYTES) this.#held.push(chunk.slice());
    else this.#held = null;
  }

  /** Once, when all bytes are there. */
  async verdict(): Promise<Verdict> {
    const actual = new Map<DigestAlgorithm, string | null>();
    for (const [algorithm, hash] of this.#hashes) {
      const value = hash.digest("hex");
      actual.set(algorithm, algorithm === "h1" ? h1OfMod(value) : value);
    }
    let isUndecided = false;
    for (const { algorithm, value } of this.#accepted) {
      if (algorithm === "h1" && !this.#isMod && !actual.has(algorithm)) {
        const zip = this.#path ?? this.#held;
        if (zip === null) isUndecided = true;
        else actual.set(algorithm, await h1OfZip(typeof zip === "string" ? zip : joined(zip)));
      }
      if (actual.get(algorithm) === value) return "same";
    }
    return isUndecided ? "undecided" : "other";
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
