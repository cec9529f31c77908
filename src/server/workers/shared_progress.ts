import type { FillEnd, Progress } from "../../fill/fill.ts";

/** Longer reasons are cut: they are for one line of the log. */
const MAX_REASON_BYTES = 240;

/** Where things are in the shared memory, in bytes. */
const WRITTEN_AT = 0;
const TURN_AT = 8;
const END_AT = 12;
const REASON_LENGTH_AT = 16;
const REASON_AT = 20;

/** How a fill ends, by its number in the shared memory; 0: it is under way. */
const ENDS = ["under-way", "stored", "unpublished", "broken", "unstorable"] as const;

interface Views {
  readonly written: BigInt64Array<SharedArrayBuffer>;
  /** Counts up with each change, and is what is waited on. */
  readonly turn: Int32Array<SharedArrayBuffer>;
  readonly end: Int32Array<SharedArrayBuffer>;
  readonly reasonLength: Int32Array<SharedArrayBuffer>;
  readonly reason: Uint8Array<SharedArrayBuffer>;
}

/** What is shared already: all clients of a fill look at the same memory. */
const shared = new WeakMap<Progress, SharedArrayBuffer>();

/** The progress of a fill in memory that other workers may look at, kept up to date to its end. */
export function shareProgress(progress: Progress): SharedArrayBuffer {
  const known = shared.get(progress);
  if (known !== undefined) return known;
  const memory = new SharedArrayBuffer(REASON_AT + MAX_REASON_BYTES);
  shared.set(progress, memory);
  void keepUp(progress, viewsOf(memory));
  return memory;
}

async function keepUp(progress: Progress, views: Views): Promise<void> {
  for (;;) {
    const { written, end } = progress;
    Atomics.store(views.written, 0, BigInt(written));
    if (end !== null) {
      const reason = "reason" in end ? end.reason : "";
      const text = new TextEncoder().encode(reason).subarray(0, MAX_REASON_BYTES);
      views.reason.set(text);
      Atomics.store(views.reasonLength, 0, text.byteLength);
      // Last: who sees an end sees all that belongs to it.
      Atomics.store(views.end, 0, ENDS.indexOf(end.kind));
    }
    Atomics.add(views.turn, 0, 1);
    Atomics.notify(views.turn, 0);
    if (end !== null) return;
    await progress.changed();
  }
}

/** The progress of a fill that another worker makes. */
export class SharedProgress implements Progress {
  readonly #views: Views;
  #seen: number;

  constructor(memory: SharedArrayBuffer) {
    this.#views = viewsOf(memory);
    this.#seen = Atomics.load(this.#views.turn, 0);
  }

  get written(): number {
    // What is read after this is not missed by `changed`.
    this.#seen = Atomics.load(this.#views.turn, 0);
    return Number(Atomics.load(this.#views.written, 0));
  }

  /** `stored` comes as `unpublished`: where the file is now is of no use to who has it open. */
  get end(): FillEnd | null {
    const kind = ENDS[Atomics.load(this.#views.end, 0)] ?? "under-way";
    if (kind === "under-way") return null;
    const length = Atomics.load(this.#views.reasonLength, 0);
    const reason = new TextDecoder().decode(this.#views.reason.slice(0, length));
    return { kind: kind === "stored" ? "unpublished" : kind, reason };
  }

  async changed(): Promise<void> {
    const wait = Atomics.waitAsync(this.#views.turn, 0, this.#seen);
    await wait.value;
    this.#seen = Atomics.load(this.#views.turn, 0);
  }
}

function viewsOf(memory: SharedArrayBuffer): Views {
  return {
    written: new BigInt64Array(memory, WRITTEN_AT, 1),
    turn: new Int32Array(memory, TURN_AT, 1),
    end: new Int32Array(memory, END_AT, 1),
    reasonLength: new Int32Array(memory, REASON_LENGTH_AT, 1),
    reason: new Uint8Array(memory, REASON_AT),
  };
}
