import { getLogger } from "@logtape/logtape";
import { describeFailure } from "../decide/failure.ts";
import type { AttemptFailure, Key } from "../types.ts";

const log = getLogger(["cache-proxy", "fill"]);

/** Says which upstreams did not deliver, and why; those that lost a race are no news. */
export function logFailures(key: Key, failures: readonly AttemptFailure[]): void {
  for (const { upstream, reason } of failures) {
    if (reason.kind === "aborted") continue;
    const say = reason.kind === "status" ? log.debug.bind(log) : log.warn.bind(log);
    say("{upstream} failed for {key}: {reason}", {
      upstream,
      key,
      reason: describeFailure(reason),
    });
  }
}
