/** Held for each connection; ten thousand idle ones take 20 MB. */
const INITIAL_BYTES = 2 * 1024;

/**
 * Buffers of connections that have ended, for those that begin. A new one is memory outside of the
 * heap, which makes the collector work: much, for a connection with one request.
 */
const MAX_FREE = 256;

const free: Uint8Array<ArrayBuffer>[] = [];

/** A longer head is refused. */
const MAX_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);

const CR = 13;
const LF = 10;

/** What a client sends, read piece by piece. There is never more than one read under way. */
export class ConnReader {
  readonly #conn: Pick<Deno.Conn, "read">;
  #buffer = free.pop() ?? new Uint8Array(INITIAL_BYTES);
  #start = 0;
  #end = 0;
  #reading: Promise<boolean> | null = null;

  constructor(conn: Pick<Deno.Conn, "read">) {
    this.#conn = conn;
  }

  /** Bytes that were read and not taken. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Whether a read would find no room: what is buffered has to be taken first. */
  get isFull(): boolean {
    return this.buffered >= MAX_BYTES;
  }

  /**
   * Reads more; false when the client has closed its side or is gone. While a read is under way
   * this is that read. Never rejects.
   */
  fill(): Promise<boolean> {
    return this.#reading ??= this.#fill();
  }

  /**
   * The connection has ended, and nobody reads any more. A buffer into which the system may still
   * write is not given to another connection.
   */
  end(): void {
    const buffer = this.#buffer;
    this.#start = this.#end = 0;
    this.#buffer = NOTHING;
    const isFit = buffer.byteLength === INITIAL_BYTES && this.#reading === null;
    if (isFit && free.length < MAX_FREE) free.push(buffer);
  }

  /** Whether somebody waits for more already. */
  get isReading(): boolean {
    return this.#reading !== null;
  }

  /**
   * Where the next bytes go, for a caller who reads for itself, which costs fewer promises than
   * `fill`. Nobody else may read until `took`.
   */
  room(): Uint8Array<ArrayBuffer> {
    this.#makeRoom();
    return this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
  }

  /** So many bytes have come. */
  took(count: number): void {
    this.#end += count;
  }

  /** Takes bytes, if they are the next ones. */
  takeIf(bytes: Uint8Array): boolean {
    const start = this.#start;
    const length = bytes.byteLength;
    if (this.#end - start < length) return false;
    const buffer = this.#buffer;
    for (let at = 0; at < length; at++) if (buffer[start + at] !== bytes[at]) return false;
    this.#start = start + length;
    return true;
  }

  /**
   * Takes a message's head without the empty line at its end; null when it is not whole yet. It is
   * valid until the next `fill`.
   */
  takeHead(): Uint8Array | null {
    // Asked before each read: what was taken before is still there, and not to be searched.
    if (this.#start === this.#end) return null;
    // RFC 9112 section 2.2: empty lines before a request are skipped.
    while (this.#buffer[this.#start] === CR && this.#buffer[this.#start + 1] === LF) {
      if (this.buffered < 2) return null;
      this.#start += 2;
    }
    const buffer = this.#buffer;
    for (let at = this.#start;; at++) {
      at = buffer.indexOf(CR, at);
      if (at === -1 || at + 3 >= this.#end) return null;
      if (buffer[at + 1] !== LF || buffer[at + 2] !== CR || buffer[at + 3] !== LF) continue;
      const head = buffer.subarray(this.#start, at);
      this.#start = at + 4;
      return head;
    }
  }

  /** Takes a line without its end; null when it is not whole yet. */
  takeLine(): string | null {
    const buffer = this.#buffer;
    for (let at = this.#start;; at++) {
      at = buffer.indexOf(CR, at);
      if (at === -1 || at + 1 >= this.#end) return null;
      if (buffer[at + 1] !== LF) continue;
      const line = String.fromCharCode(...buffer.subarray(this.#start, at));
      this.#start = at + 2;
      return line;
    }
  }

  /** Takes a copy of what is buffered, but no more than so many bytes. */
  take(maximum: number): Uint8Array<ArrayBuffer> {
    const end = Math.min(this.#end, this.#start + maximum);
    const bytes = this.#buffer.slice(this.#start, end);
    this.#start = end;
    return bytes;
  }

  async #fill(): Promise<boolean> {
    this.#makeRoom();
    try {
      const count = await this.#conn.read(this.#buffer.subarray(this.#end));
      if (count === null) return false;
      this.#end += count;
      return true;
    } catch {
      return false;
    } finally {
      this.#reading = null;
    }
  }

  #makeRoom(): void {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
    } else if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end < this.#buffer.byteLength) return;
    const larger = new Uint8Array(Math.min(this.#buffer.byteLength * 4, MAX_BYTES + 1));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}
