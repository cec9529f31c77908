import type { ByteRange } from "./range.ts";

/** One part: its header, then the bytes `start` to `end` (inclusive) of the body. */
export interface MultipartPart extends ByteRange {
  /** From the boundary to the empty line. */
  readonly header: Uint8Array<ArrayBuffer>;
}

/** An answer with several ranges: all parts in order, then the trailer. */
export interface MultipartPlan {
  /** Value of the answer's Content-Type. */
  readonly contentType: string;
  /** Bytes of all headers, parts and the trailer. */
  readonly contentLength: number;
  readonly parts: readonly MultipartPart[];
  readonly trailer: Uint8Array<ArrayBuffer>;
}

/**
 * Lays out a `multipart/byteranges` answer
 * ([RFC 9110 §14.6](https://www.rfc-editor.org/rfc/rfc9110#section-14.6)).
 *
 * @param ranges At least one, each within the body.
 * @param size Bytes of the whole body.
 * @param contentType Of the body; null when unknown.
 * @param boundary 1 to 70 letters, digits and `-`, random enough not to stand in the body.
 */
export function multipartPlan(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string | null,
  boundary: string,
): MultipartPlan {
  const encoder = new TextEncoder();
  const typeLine = contentType === null ? "" : `Content-Type: ${contentType}\r\n`;
  const parts = ranges.map(({ start, end }, index): MultipartPart => ({
    header: encoder.encode(
      `${index === 0 ? "" : "\r\n"}--${boundary}\r\n${typeLine}` +
        `Content-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
    ),
    start,
    end,
  }));
  const trailer = encoder.encode(`\r\n--${boundary}--\r\n`);
  const contentLength = parts.reduce(
    (sum, { header, start, end }) => sum + header.length + end - start + 1,
    trailer.length,
  );
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength,
    parts,
    trailer,
  };
}
