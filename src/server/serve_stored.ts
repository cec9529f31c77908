import type { Cache } from "../cache/cache.ts";
import type { Outcome } from "../cache/outcome.ts";
import { firstValue, representationFields } from "../decide/fields.ts";
import { planResponse, type ResponsePlan } from "../decide/plan_response.ts";
import { currentAgeMs } from "../decide/response_age.ts";
import { FilePart, readBytes } from "../storage/read_file.ts";
import type { OpenEntry } from "../storage/storage.ts";
import type { Entry, Instant } from "../types.ts";
import { AnswerHeaders } from "./answer_headers.ts";
import { type Accel, accelHeaders } from "./accel.ts";
import { commonHeaders } from "./common_headers.ts";
import type { Exchange } from "./exchange.ts";
import { type Answer, renderPlan } from "./representation.ts";

/** Bodies up to this many bytes are read at once; they may stay in memory (`quick_answers.ts`). */
export const SMALL_BODY_BYTES = 1024 * 1024;

/** Parts are kept by nobody: larger ones go through buffers that serve again and again. */
const SMALL_PART_BYTES = 64 * 1024;

/**
 * Answers from a stored copy. null when its file has gone or was changed by hand: then the cache
 * must look again.
 */
export async function serveStored(
  outcome: Extract<Outcome, { kind: "stored" }>,
  exchange: Exchange,
  cache: Cache,
  accel: Accel | null,
  now: Instant,
): Promise<Answer | null> {
  const { entry } = outcome;
  const plan = planResponse(exchange.selecting, { ...entry, available: entry.size }, now);
  // A stored copy has a size, so nothing needs to be waited for.
  if (plan.kind === "wait") throw new Error("Cannot wait for a stored copy");
  const headers = storedHeaders(outcome, now);
  const located = accel === null || entry.status !== 200 || isSettledWithoutBody(plan)
    ? null
    : accelHeaders(accel, exchange.request.headers, entry.file);
  const needsBytes = exchange.method === "GET" && !isSettledWithoutBody(plan);
  // Even for a front server, which could not tell us that the file has gone.
  let opened = needsBytes ? await cache.open(entry) : null;
  if (needsBytes && opened === null) return null;
  cache.used(entry);
  if (located !== null || (plan.kind === "ranges" && plan.ranges.length > 1)) {
    // Several parts are opened one by one: a client may leave before the first one is sent.
    opened?.[Symbol.dispose]();
    opened = null;
  }
  if (located !== null) {
    // Which ranges it takes is for the front server to say.
    const own = headers.filter(([name]) => name !== "accept-ranges");
    return { status: 200, headers: new AnswerHeaders([...own, ...located]), body: null };
  }
  return await renderPlan(plan, exchange.method, {
    status: entry.status,
    headers,
    contentType: firstValue(entry.headers, "content-type"),
    size: entry.size,
    open: openParts(entry, opened, cache),
  });
}

/** All fields of an answer from a stored copy but those of the part that is sent. */
export function storedHeaders(
  outcome: Extract<Outcome, { kind: "stored" }>,
  now: Instant,
): [string, string][] {
  const { entry, result } = outcome;
  return [
    ...representationFields(entry).filter(([name]) => name !== "age"),
    ...commonHeaders(result, { ...outcome, hadStored: true, upstream: entry.upstream }),
    ["age", String(Math.floor(currentAgeMs(entry, now) / 1000))],
  ] as [string, string][];
}

function isSettledWithoutBody(plan: ResponsePlan): boolean {
  return ["not-modified", "precondition-failed", "unsatisfiable"].includes(plan.kind);
}

/** What is open already is taken first; every further part opens the file again. */
function openParts(entry: Entry, opened: OpenEntry | null, cache: Cache) {
  let first = opened;
  return async (
    start: number,
    end: number | null,
  ): Promise<FilePart | Uint8Array> => {
    const part = first ?? await cache.open(entry);
    first = null;
    if (part === null) throw new Error("Cannot read on: the stored copy was replaced");
    const until = end ?? entry.size;
    const bytes = until - start;
    const isWhole = bytes === entry.size;
    if (bytes > (isWhole ? SMALL_BODY_BYTES : SMALL_PART_BYTES)) {
      return new FilePart(part, start, until);
    }
    using _ = part;
    const read = await readBytes(part.file, start, until);
    part.giveBack();
    return read;
  };
}
