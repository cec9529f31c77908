import type { Cache } from "../../cache/cache.ts";
import type { Outcome } from "../../cache/outcome.ts";
import { describeFailure } from "../../decide/failure.ts";
import type { Target } from "../../types.ts";

/** What came of a refresh, and the status of the answer that says so. */
export interface Refreshed {
  readonly status: 200 | 202 | 502 | 503 | 504;
  readonly body: {
    /**
     * unchanged: the copy is still good. downloading: a new one is on its way into the cache.
     * kept: nobody gave a better one. failed: nobody answered as they should; the copy stays.
     */
    readonly outcome: "unchanged" | "downloading" | "kept" | "failed";
    readonly reason: string;
    readonly upstream: string | null;
    /** Why each upstream that was asked did not deliver. */
    readonly failures: readonly { readonly upstream: string; readonly reason: string }[];
  };
}

/**
 * Asks the upstreams whether a stored copy is still good, however fresh it is. Does not wait for the
 * body of a new one.
 *
 * @throws {StorageError} When the index cannot be read.
 */
export async function refresh(cache: Cache, target: Target): Promise<Refreshed> {
  const outcome = await cache.get({
    target,
    // Nobody reads along.
    want: "part",
    fields: () => [],
    client: "",
    refresh: true,
  });
  if (outcome.kind === "passing") void outcome.fill.takeLead()?.cancel();
  return refreshed(outcome);
}

function refreshed(outcome: Outcome): Refreshed {
  switch (outcome.kind) {
    case "stored": {
      const { entry, result, reason } = outcome;
      const kept = result === "STALE";
      return told(kept ? 502 : 200, kept ? "kept" : "unchanged", reason, entry.upstream);
    }
    case "filling":
      return told(202, "downloading", outcome.reason, outcome.head.upstream);
    case "passing":
      return told(200, "kept", outcome.reason, outcome.head.upstream);
    case "failed": {
      const failures = outcome.failures.map(({ upstream, reason }) => ({
        upstream,
        reason: describeFailure(reason),
      }));
      const { status, body } = told(502, "failed", "no-upstream-delivered", null);
      return { status, body: { ...body, failures } };
    }
    case "unavailable":
      return told(504, "failed", outcome.reason, null);
    case "refused":
      return told(503, "failed", outcome.reason, null);
    case "head":
      throw new Error("Cannot refresh by a head alone");
  }
}

function told(
  status: Refreshed["status"],
  outcome: Refreshed["body"]["outcome"],
  reason: string,
  upstream: string | null,
): Refreshed {
  return { status, body: { outcome, reason, upstream, failures: [] } };
}
