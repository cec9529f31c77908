import { assert, assertEquals } from "@std/assert";
import type { Candidate } from "../../src/decide/candidates.ts";
import { UpstreamError } from "../../src/errors.ts";
import { race, type RaceResult } from "../../src/fill/race.ts";
import { Standings } from "../../src/fill/standings.ts";
import type { FailureReason } from "../../src/types.ts";
import { upstream } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A race in which each contestant does what the test tells it. */
class HeldRace {
  readonly result: Promise<RaceResult<string>>;
  readonly entered: string[] = [];
  readonly abort = new AbortController();
  readonly #contestants = new Map<
    string,
    { readonly outcome: PromiseWithResolvers<string>; readonly signal: AbortSignal }
  >();

  constructor(...groups: string[][]) {
    this.result = race(
      groups.map((group) => group.map(candidateNamed)),
      (candidate, { signal }) => {
        const { name } = candidate.upstream;
        this.entered.push(name);
        const outcome = Promise.withResolvers<string>();
        signal.addEventListener("abort", () => outcome.reject(signal.reason));
        if (signal.aborted) outcome.reject(signal.reason);
        this.#contestants.set(name, { outcome, signal });
        return outcome.promise;
      },
      this.abort.signal,
      rules(),
    );
  }

  win(name: string): void {
    this.#contestants.get(name)?.outcome.resolve(name);
  }

  fail(name: string, reason: FailureReason = { kind: "html" }): void {
    this.#contestants.get(name)?.outcome.reject(new UpstreamError(reason));
  }

  wasAborted(name: string): boolean {
    return this.#contestants.get(name)?.signal.aborted ?? false;
  }
}

function rules() {
  const standings = new Standings({ clock: new ManualClock(), random: () => 0.5 });
  return { width: 3, byBandwidth: false, standings };
}

function candidateNamed(name: string): Candidate {
  return { upstream: upstream({ name }), url: `http://${name}/` };
}

Deno.test("all of a group start at once, the first good answer wins, the others are aborted", async () => {
  const held = new HeldRace(["a", "b", "c"]);
  await settle();
  assertEquals(held.entered, ["a", "b", "c"]);
  held.win("b");
  assertEquals((await held.result).won, "b");
  assertEquals(["a", "b", "c"].map((name) => held.wasAborted(name)), [true, false, true]);
});

Deno.test("a failure does not end the race, and is reported with its reason", async () => {
  const held = new HeldRace(["a", "b"]);
  await settle();
  held.fail("a", { kind: "status", status: 500 });
  await settle();
  held.win("b");
  const { won, failures } = await held.result;
  assertEquals(won, "b");
  assertEquals(failures[0], { upstream: "a", reason: { kind: "status", status: 500 } });
});

Deno.test("a lower group is asked only when every member of the one above has failed", async () => {
  const held = new HeldRace(["a", "b"], ["c"], ["d"]);
  await settle();
  held.fail("a");
  await settle();
  assertEquals(held.entered, ["a", "b"]);
  held.fail("b");
  await settle();
  assertEquals(held.entered, ["a", "b", "c"]);
  held.win("c");
  const { won, failures } = await held.result;
  assertEquals([won, failures.map(({ upstream }) => upstream)], ["c", ["a", "b"]]);
  assertEquals(held.entered, ["a", "b", "c"]);
});

Deno.test("when all have failed nobody wins, and all reasons are there", async () => {
  const held = new HeldRace(["a"], ["b"]);
  await settle();
  held.fail("a");
  await settle();
  held.fail("b");
  const { won, failures } = await held.result;
  assertEquals([won, failures.map(({ upstream }) => upstream)], [null, ["a", "b"]]);
});

Deno.test("a race without candidates has no winner", async () => {
  assertEquals(await new HeldRace().result, { won: null, failures: [] });
  assertEquals(await new HeldRace([], []).result, { won: null, failures: [] });
});

Deno.test("of two good answers in one turn one wins and the other one is aborted", async () => {
  const held = new HeldRace(["a", "b"]);
  await settle();
  held.win("b");
  held.win("a");
  const { won } = await held.result;
  assert(won !== null);
  assertEquals(["a", "b"].filter((name) => held.wasAborted(name)), won === "a" ? ["b"] : ["a"]);
});

Deno.test("an aborted race aborts all, and asks nobody of lower groups any more", async () => {
  const held = new HeldRace(["a", "b", "x", "y"], ["c"]);
  await settle();
  held.abort.abort();
  const { won, failures } = await held.result;
  assertEquals(won, null);
  assert(failures.every(({ reason }) => reason.kind === "aborted"));
  assertEquals(failures.map(({ upstream }) => upstream).sort(), ["a", "b", "c", "x", "y"]);
  assertEquals(["a", "b", "x"].map((name) => held.wasAborted(name)), [true, true, true]);
  assertEquals(held.entered, ["a", "b", "x"]);
});

Deno.test("a race that is aborted before it starts has no winner", async () => {
  const abort = AbortSignal.abort();
  const { won } = await race(
    [[candidateNamed("a")]],
    (_, { signal }) => signal.aborted ? Promise.reject(signal.reason) : Promise.resolve("a"),
    abort,
    rules(),
  );
  assertEquals(won, null);
});

Deno.test("a fault of ours fails one contestant, not the race", async () => {
  const { won, failures } = await race<string>(
    [[candidateNamed("a"), candidateNamed("b")]],
    async ({ upstream }) => {
      await settle();
      if (upstream.name === "a") throw new TypeError("bug");
      await settle();
      return "b";
    },
    new AbortController().signal,
    rules(),
  );
  assertEquals(won, "b");
  assertEquals(failures, [{
    upstream: "a",
    reason: { kind: "network", detail: "internal error: TypeError: bug" },
  }]);
});
