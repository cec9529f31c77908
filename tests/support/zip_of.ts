import { deflateRawSync } from "node:zlib";
import { bytesOf } from "./body.ts";

/** A zip of files, packed; without checksums, which Go does not look at either. */
export function zipOf(
  files: readonly (readonly [name: string, bytes: Uint8Array])[],
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let at = 0;
  for (const [name, bytes] of files) {
    const packed = deflateRawSync(bytes);
    const title = bytesOf(name);
    const common = fields(
      [20, 2],
      [0, 2],
      [8, 2],
      [0, 4],
      [0, 4],
      [packed.length, 4],
      [
        bytes.length,
        4,
      ],
      [title.length, 2],
      [0, 2],
    );
    const local = [fields([0x04034b50, 4]), common, title, packed];
    entries.push(
      ...[
        fields([0x02014b50, 4], [20, 2]),
        common,
        fields([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]),
      ],
      title,
    );
    parts.push(...local);
    at += local.reduce((sum, { length }) => sum + length, 0);
  }
  const length = entries.reduce((sum, entry) => sum + entry.length, 0);
  const end = fields(
    [0x06054b50, 4],
    [0, 2],
    [0, 2],
    [files.length, 2],
    [files.length, 2],
    [
      length,
      4,
    ],
    [at, 4],
    [0, 2],
  );
  const all = [...parts, ...entries, end];
  const zip = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of all) {
    zip.set(part, to);
    to += part.length;
  }
  return zip;
}

/** Numbers, the lowest byte first. */
function fields(...values: readonly [value: number, bytes: number][]): Uint8Array {
  return new Uint8Array(
    values.flatMap(([value, bytes]) =>
      Array.from({ length: bytes }, (_, n) => value / 2 ** (8 * n) & 0xff)
    ),
  );
}
