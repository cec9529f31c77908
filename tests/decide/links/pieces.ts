import fc from "fast-check";
import {
  joined,
  type LinkRewriter,
  rewriteWhole,
} from "../../../src/decide/links/link_rewriter.ts";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const decode = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

/** A text through a rewriter, in one piece. */
export function rewritten(text: string, rewriter: LinkRewriter): string {
  return decode(rewriteWhole(encode(text), rewriter));
}

/** The same bytes in pieces that are cut at these places. */
export function inPieces(
  bytes: Uint8Array,
  cuts: readonly number[],
  rewriter: LinkRewriter,
): Uint8Array {
  const places = [...cuts.map((cut) => cut % (bytes.byteLength + 1)), bytes.byteLength];
  let from = 0;
  const out: Uint8Array[] = [];
  for (const to of places.sort((a, b) => a - b)) {
    // A copy that is overwritten: whoever hands a piece over may use its buffer again.
    const piece = bytes.slice(from, to);
    out.push(rewriter.push(piece).slice());
    piece.fill(0x21);
    from = to;
  }
  return joined([...out, rewriter.end()]);
}

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });

/** Fragments in any order: what a tokenizer has to tell apart, well-formed or not. */
export function soup(fragments: readonly string[]): fc.Arbitrary<Uint8Array> {
  const fragment = fc.oneof(
    { arbitrary: fc.constantFrom(...fragments), weight: 8 },
    { arbitrary: fc.string({ unit: "binary", maxLength: 4 }), weight: 1 },
  );
  return fc.array(fragment, { maxLength: 40 }).map((parts) => encode(parts.join("")));
}
