/** A body on its way through, in which links are replaced. Everything else comes out as it came. */
export interface LinkRewriter {
  /**
   * What may go out after one more piece of the body, wherever the piece was cut. It may be the very
   * piece, or a part of it.
   */
  push(chunk: Uint8Array): Uint8Array;
  /** What was still held back when the body has come to its end. */
  end(): Uint8Array;
}

/** What a link is replaced by; null: it stays as it is. */
export type MapLink = (link: string) => string | null;

/** The same for a body that is there as a whole. */
export function rewriteWhole(body: Uint8Array, rewriter: LinkRewriter): Uint8Array {
  return joined([rewriter.push(body), rewriter.end()]);
}

/** One array of several; of a single one that is not empty it is that one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const filled = pieces.filter(({ byteLength }) => byteLength > 0);
  const [first = new Uint8Array(), ...others] = filled;
  if (others.length === 0) return first;
  const whole = new Uint8Array(filled.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const piece of filled) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
