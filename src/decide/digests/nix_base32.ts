/** Without e, o, u and t. */
const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

/**
 * A hash in nix's base 32 as hexadecimal: the last digit has the lowest five bits of the first byte.
 * null when the text is none.
 *
 * https://nix.dev/manual/nix/latest/protocols/nix-base32
 */
export function nixBase32ToHex(text: string): string | null {
  const bytes = new Uint8Array(Math.floor(text.length * 5 / 8));
  for (let n = 0; n < text.length; n++) {
    const digit = DIGITS.indexOf(text[text.length - 1 - n] ?? "");
    if (digit === -1) return null;
    const at = Math.floor(n * 5 / 8);
    const shift = n * 5 % 8;
    bytes[at] = (bytes[at] ?? 0) | (digit << shift & 0xff);
    const carry = digit >> (8 - shift);
    if (at + 1 < bytes.length) bytes[at + 1] = (bytes[at + 1] ?? 0) | carry;
    else if (carry !== 0) return null;
  }
  return bytes.toHex();
}
