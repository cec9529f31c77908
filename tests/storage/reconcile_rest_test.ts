import { assert, assertEquals } from "@std/assert";
import { DataDirectory } from "../../src/storage/data_directory.ts";
import { EntryIndex } from "../../src/storage/entry_index.ts";
import { OverflowNotes } from "../../src/storage/overflow_notes.ts";
import { reconcile } from "../../src/storage/reconcile.ts";
import { HeldClock, TemporaryDirectory } from "./support.ts";

/** The pauses of a pass over 100 files that nobody knows, in milliseconds. */
async function pausesOf(options: {
  readonly requestsEach: number;
  readonly isUrgent: boolean;
  readonly late: number;
}): Promise<number[]> {
  await using temporary = await TemporaryDirectory.make();
  for (let n = 0; n < 100; n++) await Deno.writeTextFile(`${temporary.path}/${n}`, "x");
  const clock = new HeldClock();
  const directory = await DataDirectory.open(temporary.path);
  const index = new EntryIndex(directory.indexFile, clock);
  const pauses: number[] = [];
  let requests = 0;
  try {
    const done = await reconcile({
      ...{ directory, index, clock },
      notes: new OverflowNotes(directory),
      requests: () => requests,
      isUrgent: options.isUrgent,
      pause(ms) {
        pauses.push(ms);
        return Promise.resolve(options.late);
      },
      adopt() {
        requests += options.requestsEach;
        return Promise.resolve(null);
      },
    }, new AbortController().signal);
    assertEquals(done.files, 100);
  } finally {
    index.close();
    directory.close();
  }
  return pauses;
}

const QUIET = { requestsEach: 0, isUrgent: false, late: 0 };

Deno.test("a pass that disturbs nobody takes a turn after the other", async () => {
  assertEquals(await pausesOf(QUIET), [0, 0, 0]);
});

Deno.test("a pass rests after each step in which somebody asked for a file", async () => {
  const pauses = await pausesOf({ ...QUIET, requestsEach: 1 });
  assertEquals(pauses.length, 6);
  for (const [at, ms] of pauses.entries()) {
    if (at % 2 === 0) assertEquals(ms, 0);
    else assert(ms > 0 && ms <= 250, `${ms}`);
  }
});

Deno.test("a pass without which little can be stored gives no more than it is made to wait", async () => {
  const busy = { requestsEach: 1, isUrgent: true };
  assertEquals(await pausesOf({ ...busy, late: 0 }), [0, 0, 0]);
  assertEquals(await pausesOf({ ...busy, late: 30 }), [0, 30, 0, 30, 0, 30]);
  assertEquals(await pausesOf({ ...busy, late: 900 }), [0, 100, 0, 100, 0, 100]);
});
