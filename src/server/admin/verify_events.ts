import {
  type Verified,
  verify,
  type VerifyOptions,
  type VerifyStorage,
} from "../../storage/verify.ts";
import type { ServerEvent } from "./event_stream.ts";

/** How often it is told how far it is, in milliseconds. */
const TELL_EVERY_MS = 250;

/** How far verifying is, as it is told. */
export interface VerifyProgress {
  readonly checked: number;
  readonly hashed: number;
  /** Entries in all; null: unknown. */
  readonly total: number | null;
  readonly bytes: number;
}

/** A file that is not what the index says, as it is told. */
export interface ShownWrong {
  readonly path: string;
  readonly problem: string;
  readonly repaired: boolean;
}

/** What came of it. `complete` is false when it was stopped. */
export interface VerifySummary extends Omit<Verified, "total"> {
  readonly complete: boolean;
}

/**
 * Verifies, and tells of it: `wrong` for each file that is, `progress` four times a second at most,
 * `done` at the end.
 *
 * @param total Entries that there are; null: unknown.
 */
export async function* verifyEvents(
  storage: VerifyStorage,
  options: VerifyOptions,
  total: number | null,
): AsyncGenerator<ServerEvent, void> {
  const work = verify(storage, options);
  let toldAt = performance.now();
  for (let step = await work.next();; step = await work.next()) {
    const { done, value } = step;
    if (done) {
      const data: VerifySummary = { ...value, complete: !options.signal.aborted };
      return yield { name: "done", data };
    }
    if ("problem" in value) {
      const [path = ""] = value.key.split("\n", 1);
      const { problem, repaired } = value;
      yield { name: "wrong", data: { path, problem, repaired } satisfies ShownWrong };
      continue;
    }
    if (performance.now() - toldAt < TELL_EVERY_MS) continue;
    toldAt = performance.now();
    const { checked, hashed, bytes } = value;
    yield { name: "progress", data: { checked, hashed, total, bytes } satisfies VerifyProgress };
  }
}
