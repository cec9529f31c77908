import { Buffer } from "node:buffer";
import { Origin, type SeenRequest } from "../support/origin.ts";
import { Random } from "../support/random.ts";

/** Files that never change, new ones in each round, and files that have new versions. */
const FIXED_FILES = 8;
const MOVING_FILES = 8;

/** Up to here a body may win a race with its last byte; above, with its head. */
const SMALL_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 3 * 1024 * 1024;
const PIECE_BYTES = 48 * 1024;

/** The first version is so old, each further one ten seconds younger. */
const FIRST_MODIFIED_AT = Date.UTC(2026, 0, 1);

/** A mirror with many files: what it has is decided by seed and version alone. */
export class ChangingMirror implements AsyncDisposable {
  readonly url: string;
  /** Bytes handed to the connections since the round began. */
  sent = 0;
  /** Called after each piece. */
  onSent: () => void = () => {};
  readonly #origin: Origin;
  readonly #seed: number;
  readonly #versions = new Map<string, number>();
  readonly #contents = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#origin = new Origin((request) => this.#answer(request));
    this.url = this.#origin.url;
    for (let at = 0; at < MOVING_FILES; at++) this.#versions.set(`/moving/${at}.db`, 0);
  }

  get paths(): string[] {
    return [...this.#versions.keys()];
  }

  /** Publishes new files, and new versions of some. */
  advance(random: Random): void {
    this.sent = 0;
    const count = this.#versions.size;
    for (let at = 0; at < FIXED_FILES; at++) this.#versions.set(`/fixed/${count + at}.deb`, 0);
    for (const [path, version] of this.#versions) {
      const changes = path.startsWith("/moving/") && random.below(3) > 0;
      if (changes) this.#versions.set(path, version + 1);
    }
  }

  current(path: string): Uint8Array<ArrayBuffer> {
    return this.content(path, this.#versions.get(path) ?? 0);
  }

  /** Whether the bytes are those of one whole version of the file. */
  hasEverBeen(path: string, bytes: Uint8Array): boolean {
    const version = this.#versions.get(path) ?? -1;
    const versions = Array.from({ length: version + 1 }, (_, at) => this.content(path, at));
    return versions.some((content) => Buffer.compare(content, bytes) === 0);
  }

  content(path: string, version: number): Uint8Array<ArrayBuffer> {
    const name = `${path} ${version}`;
    let content = this.#contents.get(name);
    if (content === undefined) {
      const hash = [...name].reduce((sum, c) => Math.imul(sum, 31) + c.charCodeAt(0), this.#seed);
      const random = new Random(hash);
      const kind = random.below(8);
      const bound = kind === 0 ? 1 : kind < 4 ? SMALL_BYTES : MAX_FILE_BYTES;
      content = random.bytes(random.below(bound));
      this.#contents.set(name, content);
    }
    return content;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#origin[Symbol.asyncDispose]();
  }

  #answer({ target, headers }: SeenRequest): Response {
    const version = this.#versions.get(target);
    if (version === undefined) return new Response("none", { status: 404 });
    const etag = `"${version}"`;
    const modifiedAt = FIRST_MODIFIED_AT + version * 10_000;
    const since = headers.get("if-modified-since");
    const unchanged = headers.get("if-none-match") === etag ||
      (since !== null && Date.parse(since) >= modifiedAt);
    const fields = { etag, "last-modified": new Date(modifiedAt).toUTCString() };
    if (unchanged) return new Response(null, { status: 304, headers: fields });
    const content = this.content(target, version);
    // Half of the files come without a length, as a body in chunks.
    const declaresLength = content.byteLength % 2 === 0;
    const length = declaresLength ? { "content-length": String(content.byteLength) } : {};
    return new Response(this.#paced(content), { headers: { ...fields, ...length } });
  }

  #paced(content: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
    let offset = 0;
    return new ReadableStream({
      pull: async (controller) => {
        // A turn of the event loop for each piece: all bodies go on at one pace.
        await new Promise((resolve) => setTimeout(resolve));
        if (offset >= content.byteLength) return controller.close();
        const piece = content.slice(offset, offset + PIECE_BYTES);
        offset += piece.byteLength;
        this.sent += piece.byteLength;
        controller.enqueue(piece);
        this.onSent();
      },
    }, { highWaterMark: 0 });
  }
}
