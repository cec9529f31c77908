import { assert, assertEquals } from "@std/assert";
import {
  type Blame,
  blameOf,
  describeFailure,
  failureStatus,
  isGoneEverywhere,
} from "../../src/decide/failure.ts";
import type { AttemptFailure, FailureReason } from "../../src/types.ts";

const REASONS = {
  status404: { kind: "status", status: 404 },
  status410: { kind: "status", status: 410 },
  status403: { kind: "status", status: 403 },
  status500: { kind: "status", status: 500 },
  checker: { kind: "checker", detail: "header x is missing" },
  html: { kind: "html" },
  redirect: { kind: "redirect", detail: "redirect to http://x is not allowed" },
  timeout: { kind: "timeout", afterMs: 10_000 },
  stalled: { kind: "stalled", afterMs: 15_000 },
  network: { kind: "network", detail: "Connection refused" },
  short: { kind: "short-body", received: 3, declared: 5 },
  long: { kind: "long-body", declared: 5 },
  slow: { kind: "slow", bytesPerSecond: 3, expectedBytesPerSecond: 5 },
  aborted: { kind: "aborted" },
} as const satisfies Record<string, FailureReason>;

type Name = keyof typeof REASONS;

function failures(...names: Name[]): AttemptFailure[] {
  return names.map((name) => ({ upstream: name, reason: REASONS[name] }));
}

Deno.test("one status stands for the failures of all", () => {
  const table: [names: Name[], status: number][] = [
    [[], 404],
    [["status404"], 404],
    [["status410"], 410],
    [["status410", "status404"], 404],
    [["status404", "status500"], 404],
    [["status410", "status403", "html"], 410],
    [["status404", "checker", "redirect"], 404],
    [["status403"], 502],
    [["status500"], 502],
    [["checker"], 502],
    [["html"], 502],
    [["redirect"], 502],
    [["network"], 502],
    [["short"], 502],
    [["long"], 502],
    [["aborted"], 502],
    [["timeout"], 504],
    [["stalled"], 504],
    [["timeout", "stalled"], 504],
    // Who is silent may well have the file: 404 only when every mirror answered.
    [["status404", "timeout"], 504],
    [["status500", "timeout"], 504],
    [["status404", "network"], 502],
    [["timeout", "network"], 502],
    [["status404", "short"], 502],
  ];
  for (const [names, status] of table) {
    assertEquals(failureStatus(failures(...names)), status, names.join());
    assertEquals(failureStatus(failures(...names.toReversed())), status, names.join());
  }
});

Deno.test("a file is gone when every mirror says so, and only then", () => {
  const table: [names: Name[], gone: boolean][] = [
    [[], false],
    [["status404"], true],
    [["status410", "status404"], true],
    [["status404", "status500"], false],
    [["status404", "timeout"], false],
    [["status404", "html"], false],
    [["network"], false],
  ];
  for (const [names, gone] of table) {
    assertEquals(isGoneEverywhere(failures(...names)), gone, names.join());
  }
});

Deno.test("every failure has a short line of its own", () => {
  const lines = Object.values(REASONS).map(describeFailure);
  assertEquals(new Set(lines).size, lines.length);
  for (const line of lines) assert(line.length > 0 && !line.includes("\n"), line);
  assertEquals(describeFailure(REASONS.short), "body ended after 3 of 5 bytes");
});

Deno.test("a failure speaks against the upstream, the file or nobody", () => {
  const examples: [blame: Blame, reason: FailureReason][] = [
    ["upstream", { kind: "status", status: 500 }],
    ["upstream", { kind: "status", status: 503 }],
    ["upstream", { kind: "timeout", afterMs: 1 }],
    ["upstream", { kind: "stalled", afterMs: 1 }],
    ["upstream", { kind: "network", detail: "refused" }],
    ["upstream", { kind: "short-body", received: 1, declared: 2 }],
    ["upstream", { kind: "long-body", declared: 2 }],
    ["file", { kind: "status", status: 404 }],
    ["file", { kind: "status", status: 410 }],
    ["file", { kind: "status", status: 499 }],
    ["file", { kind: "checker", detail: "no type" }],
    ["file", { kind: "html" }],
    ["file", { kind: "redirect", detail: "to another host" }],
    ["file", { kind: "differs", detail: "length" }],
    ["nobody", { kind: "slow", bytesPerSecond: 1, expectedBytesPerSecond: 2 }],
    ["nobody", { kind: "aborted" }],
  ];
  for (const [blame, reason] of examples) assertEquals(blameOf(reason), blame, reason.kind);
});
