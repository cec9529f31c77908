import type { FilePart } from "../storage/read_file.ts";
import type { AnswerFields } from "./answer_headers.ts";

/** What goes out in answer to one request, and who wants to know how it went. */
export interface Outgoing {
  readonly status: number;
  readonly headers: AnswerFields;
  /** null for a HEAD too, whose fields tell of the body that a GET would get. */
  readonly body: ReadableStream<Uint8Array> | Uint8Array | FilePart | null;
  /** Called for each piece of the body that was handed to the client's connection. */
  onBytes(bytes: number): void;
  /** Called once, after the last piece: its bytes, and why that was not all; null: it was. */
  onEnd(bytes: number, brokenBy: string | null): void;
}
