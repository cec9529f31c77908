import type { FilePart } from "../../storage/read_file.ts";
import { FilePieces, type Piece } from "./file_pieces.ts";

/**
 * Hands a part of a file on, reading ahead by one piece. Closes the file.
 *
 * @param write Resolves when the bytes may be overwritten; rejects to end it.
 * @throws {StorageError} When the file ends early; what `write` rejects with.
 */
export async function sendFile(
  { open, start, end }: FilePart,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  using opened = open;
  const pieces = new FilePieces(opened, start, end);
  let piece: Piece | null = null;
  let ahead: Piece | null = null;
  try {
    for (let position = start; position < end;) {
      piece = ahead ?? pieces.take(position);
      ahead = null;
      await piece.filled;
      const until = Math.min(piece.end, end);
      if (until < end) ahead = pieces.take(until);
      await write(piece.buffer.subarray(position - piece.start, until - piece.start));
      piece.letGo();
      piece = null;
      position = until;
    }
    opened.giveBack?.();
  } finally {
    piece?.letGo();
    ahead?.letGo();
    await pieces.end();
  }
}
