import { assert, assertEquals } from "@std/assert";
import { NegativeAnswers } from "../../src/cache/negative_answers.ts";
import { target } from "../support/facts.ts";

const FAILURES = [{ upstream: "mirror", reason: { kind: "status", status: 404 } as const }];

Deno.test("an answer is remembered up to its instant, and then forgotten", () => {
  const answers = new NegativeAnswers();
  answers.remember(target("/x"), { failures: FAILURES, until: 10 });
  assertEquals(answers.find(target("/x"), 9)?.failures, FAILURES);
  assertEquals(answers.find(target("/y"), 9), null);
  assertEquals(answers.find(target("/x"), 10), null);
  // It has gone, though the clock be set back.
  assertEquals(answers.find(target("/x"), 9), null);
});

Deno.test("the newest 10,000 paths are remembered, none that is very long", () => {
  const answers = new NegativeAnswers();
  const remember = (path: string): void =>
    answers.remember(target(path), { failures: FAILURES, until: 10 });
  remember("/renewed");
  for (let at = 0; at < 9_999; at++) remember(`/${at}`);
  remember("/renewed");
  assert(answers.find(target("/0"), 0) !== null);
  remember("/one-more");
  assertEquals(answers.find(target("/0"), 0), null);
  for (const path of ["/1", "/renewed", "/one-more"]) {
    assert(answers.find(target(path), 0) !== null, path);
  }
  remember(`/${"x".repeat(1024)}`);
  assertEquals(answers.find(target(`/${"x".repeat(1024)}`), 0), null);
});
