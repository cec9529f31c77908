import { FilePart } from "../../storage/read_file.ts";
import type { OpenBodies, OpenBody } from "../body_stream.ts";
import type { Outgoing } from "../outgoing.ts";
import { sendFile } from "./file_sender.ts";
import { pieceReader } from "./piece_reader.ts";
import type { RequestHead } from "./request_head.ts";
import { dateField, responseHead } from "./response_head.ts";

/** A body up to so many bytes goes out in one write with its head. */
const JOINED_BYTES = 64 * 1024;

const CLIENT_LEFT = "the client left";

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Writes answers to one connection. */
export class ResponseWriter {
  readonly #conn: Pick<Deno.Conn, "write">;
  readonly #openBodies: OpenBodies;
  readonly #close: () => void;
  #hasBegun = false;

  /** @param close Cuts the connection: what is on its way is broken off visibly. */
  constructor(conn: Pick<Deno.Conn, "write">, openBodies: OpenBodies, close: () => void) {
    this.#conn = conn;
    this.#openBodies = openBodies;
    this.#close = close;
  }

  /** Whether the answer to the request that is under way has begun. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** @throws {Error} When the client has gone. */
  async write(bytes: Uint8Array): Promise<void> {
    let written = await this.#conn.write(bytes);
    while (written < bytes.byteLength) written += await this.#conn.write(bytes.subarray(written));
  }

  /** Answers what cannot be read as a request. */
  async refuse(status: number, text: Uint8Array): Promise<void> {
    const fields: [string, string][] = [
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(text.byteLength)],
      ["date", dateField(Date.now())],
      ["connection", "close"],
    ];
    await this.write(joined(responseHead(status, fields), text));
  }

  /**
   * Sends an answer and tells whoever it concerns how that went.
   *
   * @param ends Whether the connection ends with it.
   * @param left Aborted when the client has left.
   * @returns Whether all of it went out; if not, the connection is closed.
   */
  async send(
    outgoing: Outgoing,
    { method, minor }: RequestHead,
    ends: boolean,
    left: AbortSignal,
  ): Promise<boolean> {
    this.#hasBegun = true;
    const { status, headers, body } = outgoing;
    const isStream = body instanceof ReadableStream;
    const isEmpty = method === "HEAD" || status === 204 || status === 304;
    // RFC 9110 section 8.6: this one never has a length.
    if (status === 204) headers.delete("content-length");
    if (!isStream && !isEmpty) headers.set("content-length", String(lengthOf(body)));
    const declared = isStream ? numberOrNull(headers.get("content-length")) : lengthOf(body);
    const isChunked = isStream && declared === null && minor === 1;
    const closes = ends || (isStream && declared === null && minor === 0);
    if (isChunked) headers.set("transfer-encoding", "chunked");
    if (!headers.has("date")) headers.set("date", dateField(Date.now()));
    if (closes) headers.set("connection", "close");
    else if (minor === 0) headers.set("connection", "keep-alive");
    const head = responseHead(status, headers);
    const sending = new Sending(outgoing, this.#openBodies, left, this.#close);
    try {
      if (body === null || isEmpty) {
        if (isStream) void body.cancel().catch(() => {});
        if (body instanceof FilePart) body.open[Symbol.dispose]();
        await this.write(head);
      } else if (body instanceof Uint8Array) {
        await this.#sendBytes(head, body, sending);
      } else {
        await this.write(head);
        if (body instanceof FilePart) await this.#sendFile(body, sending);
        else await this.#sendStream(body, isChunked, declared, sending);
      }
      sending.end(null);
      return !closes || ends;
    } catch (error) {
      if (isStream) void body.cancel().catch(() => {});
      if (body instanceof FilePart) body.open[Symbol.dispose]();
      sending.end(error instanceof Error ? error.message : String(error));
      this.#close();
      return false;
    } finally {
      this.#hasBegun = false;
    }
  }

  async #sendBytes(head: Uint8Array, body: Uint8Array, sending: Sending): Promise<void> {
    if (body.byteLength > JOINED_BYTES) {
      await this.write(head);
      await sending.piece(body, this);
    } else {
      await sending.toClient(this.write(joined(head, body)));
      sending.count(body.byteLength);
    }
  }

  async #sendFile(part: FilePart, sending: Sending): Promise<void> {
    await sendFile(part, (bytes) => sending.piece(bytes, this));
  }

  async #sendStream(
    body: ReadableStream<Uint8Array>,
    isChunked: boolean,
    declared: number | null,
    sending: Sending,
  ): Promise<void> {
    const reader = pieceReader(body);
    // Whoever waits for the next piece would not notice otherwise.
    sending.onCut = () => void reader.cancel().catch(() => {});
    try {
      for (;;) {
        const piece = await reader.read();
        sending.check();
        if (piece === null) break;
        if (piece.byteLength === 0) continue;
        if (declared !== null && sending.bytes + piece.byteLength > declared) {
          throw new Error("the body is longer than declared");
        }
        if (isChunked) await this.#sendChunk(piece, sending);
        else await sending.piece(piece, this);
      }
    } catch (error) {
      void reader.cancel().catch(() => {});
      throw error;
    } finally {
      reader.releaseLock();
    }
    if (isChunked) await sending.toClient(this.write(LAST_CHUNK));
    if (declared !== null && sending.bytes < declared) {
      throw new Error("the body is shorter than declared");
    }
  }

  async #sendChunk(piece: Uint8Array, sending: Sending): Promise<void> {
    const size = encoder.encode(`${piece.byteLength.toString(16)}\r\n`);
    if (piece.byteLength <= JOINED_BYTES) {
      await sending.toClient(this.write(joined(size, piece, LINE_END)));
      return sending.count(piece.byteLength);
    }
    await sending.toClient(this.write(size));
    await sending.piece(piece, this);
    await sending.toClient(this.write(LINE_END));
  }
}

/** One body on its way, and what may break it off. */
class Sending {
  readonly #outgoing: Outgoing;
  readonly #open: OpenBody;
  readonly #left: AbortSignal;
  readonly #onLeave = (): void => this.#cut(CLIENT_LEFT);
  #cutBy: string | null = null;
  bytes = 0;
  onCut: (() => void) | null = null;

  constructor(
    outgoing: Outgoing,
    openBodies: OpenBodies,
    left: AbortSignal,
    close: () => void,
  ) {
    this.#outgoing = outgoing;
    this.#left = left;
    this.#open = openBodies.enter((reason) => {
      this.#cut(reason);
      close();
    });
    left.addEventListener("abort", this.#onLeave, { once: true });
    if (left.aborted) this.#onLeave();
  }

  async piece(bytes: Uint8Array, writer: ResponseWriter): Promise<void> {
    await this.toClient(writer.write(bytes));
    this.count(bytes.byteLength);
  }

  /** Waits for the client to take something. */
  async toClient(writing: Promise<void>): Promise<void> {
    this.#open.waitForClient();
    try {
      await writing;
    } catch {
      throw new Error(this.#cutBy ?? CLIENT_LEFT);
    } finally {
      this.#open.hasTaken();
    }
    this.check();
  }

  count(bytes: number): void {
    this.bytes += bytes;
    this.#outgoing.onBytes(bytes);
  }

  /** @throws {Error} When it was cut. */
  check(): void {
    if (this.#cutBy !== null) throw new Error(this.#cutBy);
  }

  end(brokenBy: string | null): void {
    this.#left.removeEventListener("abort", this.#onLeave);
    this.#open.end();
    this.#outgoing.onEnd(this.bytes, brokenBy === null ? null : this.#cutBy ?? brokenBy);
  }

  #cut(reason: string): void {
    this.#cutBy ??= reason;
    this.onCut?.();
  }
}

function lengthOf(body: Outgoing["body"]): number {
  if (body instanceof Uint8Array) return body.byteLength;
  return body instanceof FilePart ? body.end - body.start : 0;
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
