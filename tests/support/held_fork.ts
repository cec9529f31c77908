import { BodySource } from "../../src/fill/body_source.ts";
import type { FillEnd } from "../../src/fill/fill.ts";
import type { ForkEnd } from "../../src/fill/file_branch.ts";
import { type Fork, fork } from "../../src/fill/fork.ts";
import { followGrowing } from "../../src/fill/growing_reader.ts";
import { ProgressSignal } from "../../src/fill/progress_signal.ts";
import { HandFedBody } from "./body.ts";
import { FakePartialFile } from "./fake_partial_file.ts";
import { settle } from "./gate.ts";
import { ManualClock } from "./manual_clock.ts";

/** Largest single write. */
const BATCH_BYTES = 1024 * 1024;

/** A body on its way through a fork. */
export class HeldFork implements AsyncDisposable {
  readonly body = new HandFedBody();
  readonly file = new FakePartialFile();
  readonly progress = new ProgressSignal();
  readonly controller = new AbortController();
  readonly source: BodySource;
  /** Bytes that were taken from the body. */
  pulled = 0;
  follows: number[] = [];
  rest: ReadableStream<Uint8Array> | null = null;
  #fork: Fork | null = null;

  constructor(stream?: ReadableStream<Uint8Array>) {
    const count = new TransformStream<Uint8Array, Uint8Array>(
      {
        transform: (chunk, controller) => {
          this.pulled += chunk.byteLength;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 1 },
      { highWaterMark: 0 },
    );
    // As with fetch, the abort of the request breaks the body.
    const { signal } = this.controller;
    const counted = (stream ?? this.body.stream).pipeThrough(count, { signal });
    this.source = new BodySource(counted, {
      declared: null,
      stallTimeoutMs: 1000,
      clock: new ManualClock(),
      controller: this.controller,
    });
  }

  start(wantsLead: boolean): Fork {
    return this.#fork = fork(this.source, this.file, this.progress, {
      wantsLead,
      batchBytes: BATCH_BYTES,
      buffers: null,
      follow: (offset) => {
        this.follows.push(offset);
        return followGrowing(
          {
            path: this.file.path,
            progress: this.progress,
            claimRest: () => {
              const { rest } = this;
              this.rest = null;
              return rest;
            },
          },
          offset,
          null,
          () => Promise.resolve(null),
        );
      },
    });
  }

  /** What a flight does at the end. */
  async finish(): Promise<ForkEnd> {
    const end = await this.#fork?.written;
    if (end === undefined) throw new Error("Cannot finish what was not started");
    if (end.kind === "unstorable") this.rest = end.rest;
    this.progress.finish(flightEnd(end));
    return end;
  }

  async written(bytes: number): Promise<void> {
    while (this.progress.written < bytes) await this.progress.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file[Symbol.asyncDispose]();
  }
}

function flightEnd(end: ForkEnd): FillEnd {
  if (end.kind === "unstorable") return { kind: "unstorable", reason: "the disk takes no more" };
  // Whoever follows here has opened the file by its first name.
  if (end.kind === "complete") return { kind: "stored", entry: null as never };
  return { kind: "broken", reason: "broken" };
}

/** A body that gives chunks as fast as they are asked for. */
export function endless(
  all: Uint8Array<ArrayBuffer>,
  chunkBytes = 64 * 1024,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= all.byteLength) return controller.close();
      controller.enqueue(all.subarray(at, at += chunkBytes));
    },
  }, { highWaterMark: 0 });
}

export function readerOf(
  lead: ReadableStream<Uint8Array> | null,
): ReadableStreamDefaultReader<Uint8Array> {
  if (lead === null) throw new Error("There is no lead");
  return lead.getReader();
}

/** Resolves when the fork takes no more from the mirror. */
export async function pulledNoMore(held: HeldFork): Promise<void> {
  for (let before = -1; before !== held.pulled;) {
    before = held.pulled;
    await settle();
  }
}
