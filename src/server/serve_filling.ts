import type { Cache } from "../cache/cache.ts";
import type { Outcome } from "../cache/outcome.ts";
import { firstValue, representationFields } from "../decide/fields.ts";
import { planResponse, type ResponsePlan } from "../decide/plan_response.ts";
import type { Fill, Progress } from "../fill/fill.ts";
import { followGrowing } from "../fill/growing_reader.ts";
import type { BodyHead, Clock } from "../types.ts";
import { commonHeaders } from "./common_headers.ts";
import type { Exchange } from "./exchange.ts";
import { type Answer, renderPlan } from "./representation.ts";

/** A longer body, in bytes, goes to other workers by its file. */
const RELAYED_BYTES = 256 * 1024;

/**
 * Answers from a body that is on its way into the cache. null when the fill has ended before a byte
 * was sent and left nothing to send: then the cache must look again.
 */
export async function serveFilling(
  outcome: Extract<Outcome, { kind: "filling" }>,
  exchange: Exchange,
  cache: Cache,
  clock: Clock,
): Promise<Answer | null> {
  const { fill, head } = outcome;
  const lead = fill.takeLead();
  let usedLead = false;
  try {
    const { plan, size } = await planWhenPossible(exchange, fill, head, clock);
    return await renderPlan(plan, exchange.method, {
      status: head.status,
      headers: [
        ...representationFields(head),
        ...commonHeaders(outcome.result, { ...outcome, ...head, freshForMs: null }),
      ] as [string, string][],
      contentType: firstValue(head.headers, "content-type"),
      size,
      open: async (start, end) => {
        if (outcome.body !== null) return outcome.body.subarray(start, end ?? undefined);
        usedLead = lead !== null && plan.kind === "whole" && !isLeftToFile(exchange, size);
        if (usedLead && lead !== null) return lead;
        const isPart = start > 0 && end !== null;
        const ahead = isPart ? await fill.skipTo(start, end, exchange.request.signal) : null;
        if (ahead !== null) return ahead;
        await begun(fill.progress);
        return await followGrowing(fill, start, end, (entry) => cache.open(entry));
      },
    });
  } catch (error) {
    if (fill.progress.end === null) throw error;
    return null;
  } finally {
    // A branch that nobody reads would fill up first; the fill itself goes on without it.
    if (!usedLead) void lead?.cancel();
  }
}

/** Answers with a body that is not stored. It exists once: ranges do not apply. */
export async function servePassing(
  outcome: Extract<Outcome, { kind: "passing" }>,
  exchange: Exchange,
  now: number,
): Promise<Answer> {
  const { fill, head } = outcome;
  const lead = fill.takeLead();
  const planned = planResponse(
    { ...exchange.selecting, range: null },
    { ...head, available: 0 },
    now,
  );
  const plan = planned.kind === "wait" ? { kind: "whole" } as const : planned;
  const answer = await renderPlan(plan, exchange.method, {
    status: head.status,
    headers: passingHeaders(outcome),
    contentType: firstValue(head.headers, "content-type"),
    size: head.size,
    open: () => Promise.resolve(lead ?? new Uint8Array()),
  });
  if (answer.body === null) void lead?.cancel();
  return answer;
}

/**
 * Piece by piece a large body costs twice as much on its way to another worker as the file does that
 * it grows into; for a small one it is the other way round.
 */
function isLeftToFile({ request }: Exchange, size: number | null): boolean {
  return request.isRemote === true && (size === null || size > RELAYED_BYTES);
}

/**
 * Resolves when the file has its first bytes, or never will. They are on their way already; should
 * the disk not take them, nothing has been promised to the client yet.
 */
async function begun(progress: Progress): Promise<void> {
  while (progress.written === 0 && progress.end === null) await progress.changed();
}

/** Bytes of the whole, once it has come to its end; null before that. */
function arrivedSize({ written, end }: Progress): number | null {
  return end?.kind === "stored" || end?.kind === "unpublished" ? written : null;
}

function passingHeaders(outcome: Extract<Outcome, { kind: "passing" }>): [string, string][] {
  const { head, hadStored } = outcome;
  const facts = { hadStored, upstream: head.upstream, freshForMs: null };
  const common = commonHeaders("BYPASS", facts).filter(([name]) => name !== "accept-ranges");
  return [...representationFields(head), ...common] as [string, string][];
}

/**
 * A range of a body of unknown length may have to wait until its bytes, or the end, are there. The
 * fill's own bounds (stall, abort) end the wait.
 */
async function planWhenPossible(
  exchange: Exchange,
  fill: Fill,
  head: BodyHead,
  clock: Clock,
): Promise<{ plan: Exclude<ResponsePlan, { kind: "wait" }>; size: number | null }> {
  const { progress } = fill;
  for (;;) {
    const size = head.size ?? arrivedSize(progress);
    const facts = { ...head, size, available: progress.written };
    const plan = planResponse(exchange.selecting, facts, clock.now());
    if (plan.kind !== "wait") return { plan, size };
    // Nobody knows the size any more, but the bytes can be had, once and in order.
    if (progress.end?.kind === "unstorable") return { plan: { kind: "whole" }, size };
    if (progress.end !== null) {
      throw new Error(`Cannot answer a range: the body broke off at byte ${progress.written}`);
    }
    await progress.changed();
  }
}
