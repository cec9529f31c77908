import type { PieceBuffers } from "./piece_buffers.ts";

/** Bytes that may wait in memory for the leading client. */
const LEAD_LAG_BYTES = 4 * 1024 * 1024;

/**
 * How long the fill waits for a lead that is so far behind, in milliseconds. One that takes half of
 * it in that time (80 MB/s) is nearly as fast as the fill, and to read from memory serves it better
 * than the file: 1.3 times the throughput of a miss. A slower one is left to the file at once, and
 * has cost the fill this pause, one time.
 */
const LEAD_PATIENCE_MS = 25;

/** A stream whose buffers serve again when its reader says so. Who never does reads it as any other. */
export class LeadStream extends ReadableStream<Uint8Array> {
  readonly #buffers: PieceBuffers | null;

  constructor(source: UnderlyingDefaultSource<Uint8Array>, buffers: PieceBuffers | null) {
    super(source, { highWaterMark: 0 });
    this.#buffers = buffers;
  }

  /** The reader does not look at a piece of it again. */
  done(piece: Uint8Array): void {
    this.#buffers?.done(piece);
  }
}

/**
 * The leading client's stream: first its branch of the tee, the growing file once it lags. It never
 * slows the fill by more than the one pause.
 */
export class LeadBranch {
  readonly stream: LeadStream;
  readonly #branch: ReadableStreamDefaultReader<Uint8Array>;
  readonly #follow: (offset: number) => Promise<ReadableStream<Uint8Array>>;
  readonly #buffers: PieceBuffers | null;
  #following: Promise<ReadableStreamDefaultReader<Uint8Array>> | null = null;
  #offset = 0;
  #pulled = 0;
  #endPause: (() => void) | null = null;
  #isSoleHeir = false;
  #state: "attached" | "detached" | "gone" = "attached";

  constructor(
    branch: ReadableStream<Uint8Array>,
    { follow, buffers }: {
      readonly follow: (offset: number) => Promise<ReadableStream<Uint8Array>>;
      readonly buffers: PieceBuffers | null;
    },
  ) {
    this.#branch = branch.getReader();
    this.#follow = follow;
    this.#buffers = buffers;
    this.stream = new LeadStream({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#cancel(),
    }, buffers);
  }

  /** Whether the branch itself still feeds the client, so that it gets all bytes without a file. */
  get isAttached(): boolean {
    return this.#state === "attached";
  }

  /** The file takes no more: from now on the branch is never left for it, however far it lags. */
  inherit(): void {
    this.#isSoleHeir = true;
    this.#endPause?.();
  }

  /** Told of all bytes that the source has given; asks it to pause for a lead that is far behind. */
  keepUp(pulled: number): Promise<void> | null {
    this.#pulled = pulled;
    if (this.#state !== "attached" || this.#isSoleHeir || this.#lag <= LEAD_LAG_BYTES) return null;
    const caughtUp = Promise.withResolvers<void>();
    const patience = setTimeout(() => this.#detach(), LEAD_PATIENCE_MS);
    this.#endPause = () => {
      this.#endPause = null;
      clearTimeout(patience);
      caughtUp.resolve();
    };
    return caughtUp.promise;
  }

  get #lag(): number {
    return this.#pulled - this.#offset;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#state === "attached") {
      const result = await this.#branch.read();
      // A branch that was left while the read was pending ends without being at the end.
      if (this.#state === "attached" || !result.done) return this.#pass(controller, result);
    }
    const following = await this.#following;
    // The client may have gone while the file was being opened.
    if (following === null || this.#isGone()) return;
    this.#pass(controller, await following.read());
  }

  #pass(
    controller: ReadableStreamDefaultController<Uint8Array>,
    result: ReadableStreamReadResult<Uint8Array>,
  ): void {
    if (this.#isGone()) return;
    if (result.done) return controller.close();
    this.#offset += result.value.byteLength;
    if (this.#lag <= LEAD_LAG_BYTES / 2) this.#endPause?.();
    controller.enqueue(result.value);
  }

  #isGone(): boolean {
    return this.#state === "gone";
  }

  #cancel(): void {
    this.#leaveBranch("gone");
    void this.#following?.then((following) => following.cancel()).catch(() => {});
  }

  /** Opens the file at once: when the client asks again, another copy may stand in its place. */
  #detach(): void {
    this.#leaveBranch("detached");
    this.#following = this.#follow(this.#offset).then((stream) => stream.getReader());
    // A failure is for the client's next read to see.
    this.#following.catch(() => {});
  }

  #leaveBranch(state: "detached" | "gone"): void {
    if (this.#state === "attached") this.#buffers?.leave();
    this.#state = state;
    this.#endPause?.();
    // Resolves only when the other branch is cancelled too, so nobody waits for it.
    void this.#branch.cancel().catch(() => {});
  }
}
