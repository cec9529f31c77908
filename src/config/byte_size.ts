import { showValue } from "./show_value.ts";

/** Bytes of each unit, by its name in lower case: `kB` and `KB` are the same. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["b", 1n],
  ["kb", 1000n],
  ["mb", 1000n ** 2n],
  ["gb", 1000n ** 3n],
  ["tb", 1000n ** 4n],
  ["kib", 1024n],
  ["mib", 1024n ** 2n],
  ["gib", 1024n ** 3n],
  ["tib", 1024n ** 4n],
]);

const SIZE = /^(\d+)(?:\.(\d+))?\s*([^\d.\s]*)$/;

/**
 * Bytes of a size: `64MiB`, `1.5 GB`, or a plain number of bytes. At most 2^53 - 1; a fraction of a
 * byte is cut off.
 *
 * @throws {Error} When the text is no size or is too large.
 */
export function parseByteSize(text: string): number {
  const parts = SIZE.exec(text);
  if (parts === null) throw cannotParse(text, "no number with a unit");
  const [, whole = "", fraction = "", unit = ""] = parts;
  const unitBytes = UNITS.get(unit.toLowerCase());
  if (unitBytes === undefined) throw cannotParse(text, `unknown unit ${showValue(unit)}`);
  if (unit === "" && fraction !== "") throw cannotParse(text, "a fraction of a byte");
  const bytes = BigInt(whole) * unitBytes +
    BigInt(fraction) * unitBytes / 10n ** BigInt(fraction.length);
  if (bytes > Number.MAX_SAFE_INTEGER) throw cannotParse(text, "it is over 2^53 - 1 bytes");
  return Number(bytes);
}

function cannotParse(text: string, why: string): Error {
  const examples = `write for example "64MiB", "1GB" or bytes as a number`;
  return new Error(`Cannot parse size ${showValue(text)}: ${why}, ${examples}`);
}
