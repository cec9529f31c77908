import { assert, assertEquals } from "@std/assert";
import { adviceFor, problemOf } from "../../src/decide/trouble.ts";
import type { AttemptFailure, FailureReason } from "../../src/types.ts";

const REASONS: readonly FailureReason[] = [
  { kind: "status", status: 404 },
  { kind: "status", status: 403 },
  { kind: "status", status: 429 },
  { kind: "status", status: 400 },
  { kind: "status", status: 503 },
  { kind: "checker", detail: "no" },
  { kind: "html" },
  { kind: "redirect", detail: "no" },
  { kind: "timeout", afterMs: 1 },
  { kind: "stalled", afterMs: 1 },
  { kind: "slow", bytesPerSecond: 1, expectedBytesPerSecond: 2 },
  { kind: "network", detail: "no" },
  { kind: "short-body", received: 1, declared: 2 },
  { kind: "long-body", declared: 2 },
  { kind: "differs", detail: "no" },
  { kind: "aborted" },
];

function failed(...failures: readonly [upstream: string, reason: FailureReason][]) {
  return problemOf({
    kind: "fill-failed",
    path: "/x",
    failures: failures.map(([upstream, reason]): AttemptFailure => ({ upstream, reason })),
  });
}

Deno.test("advice is one sentence, and there is none where nothing is to be done", () => {
  for (const reason of REASONS) {
    const advice = adviceFor(reason);
    const isNothing = ["slow", "aborted"].includes(reason.kind) ||
      (reason.kind === "status" && reason.status === 404);
    assertEquals(advice === null, isNothing, reason.kind);
    assert(advice === null || /^[A-Z][^.]*(\.\w[^.]*)*\.$/.test(advice), advice ?? "");
  }
});

Deno.test("what no mirror has, and what was given up, is no problem", () => {
  const [none, gone, given] = [{ kind: "status", status: 404 }, { kind: "status", status: 410 }, {
    kind: "aborted",
  }] as const;
  assertEquals(failed(), null);
  assertEquals(failed(["a", none], ["b", gone]), null);
  assertEquals(failed(["a", given]), null);
  assertEquals(failed(["a", none], ["b", given]), null);
  const broken = { kind: "fill-broken", path: "/x", upstream: "a", bytes: 1 } as const;
  assertEquals(problemOf({ ...broken, reason: given }), null);
});

Deno.test("the advice is about the mirror in trouble, and the message names each", () => {
  const problem = failed(
    ["a", { kind: "status", status: 404 }],
    ["b", { kind: "html" }],
    ["c", { kind: "timeout", afterMs: 10 }],
  );
  assertEquals(
    [problem?.identity, problem?.upstream, problem?.message],
    [
      "fill-failed c timeout",
      null,
      "No upstream gave /x: a answered 404; b sent an HTML page in place of a package; " +
      "c silent for 10 ms",
    ],
  );
  assertEquals(problem?.advice, adviceFor({ kind: "timeout", afterMs: 10 }));
  const many = Array.from({ length: 7 }, (_, at): [string, FailureReason] => [`m${at}`, {
    kind: "html",
  }]);
  assert(failed(...many)?.message.endsWith("; 3 more"));
});
