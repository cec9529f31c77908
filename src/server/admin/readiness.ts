import type { UpstreamCounters } from "../../fill/counters.ts";

/** What readiness is read from. */
export interface ReadinessParts {
  readonly storage: { check(): Promise<void> };
  /** Of those that were asked. */
  readonly counters: Readonly<Record<string, Pick<UpstreamCounters, "isLeftOut">>>;
  /** All that are configured. */
  readonly upstreams: readonly string[];
  readonly isOffline: boolean;
  readonly isStopping: boolean;
}

/** Why the program cannot do its work now; empty when it can. */
export async function readinessProblems(parts: ReadinessParts): Promise<readonly string[]> {
  const { storage, counters, upstreams, isOffline, isStopping } = parts;
  const problems: string[] = [];
  if (isStopping) problems.push("The proxy is shutting down");
  try {
    await storage.check();
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  // One whose pause is over will be tried with the next request: without requests it never would.
  const isLeftOut = (name: string): boolean => counters[name]?.isLeftOut ?? false;
  if (!isOffline && upstreams.every(isLeftOut)) {
    problems.push(`Every upstream fails and is left out: ${upstreams.join(", ")}`);
  }
  return problems;
}
