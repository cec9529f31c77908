import { assertEquals } from "@std/assert";
import { askingOrder } from "../../src/decide/asking_order.ts";
import type { Candidate } from "../../src/decide/candidates.ts";
import { upstream } from "../support/facts.ts";

function candidate(name: string): Candidate {
  return {
    upstream: upstream({ name, server: `http://${name}.example` }),
    url: `http://${name}.example/x`,
  };
}

Deno.test("who has begun is asked first, who has failed last, the others by priority", () => {
  const examples: [groups: string, begunBy: string, failed: string | null, order: string][] = [
    ["ab cd", "a", null, "a b cd"],
    ["ab cd", "d", null, "d ab c"],
    ["ab cd", "d", "d", "ab c d"],
    ["ab cd", "d", "b", "d a c b"],
    ["a", "a", null, "a"],
    ["a", "a", "a", "a"],
    // It is no candidate any more.
    ["ab", "x", "y", "ab"],
    ["", "a", null, ""],
  ];
  for (const [groups, begunBy, failed, order] of examples) {
    const given = groups.split(" ").map((group) => [...group].map(candidate));
    const asked = askingOrder(given, begunBy, failed);
    const names = asked.map((group) => group.map(({ upstream }) => upstream.name).join(""));
    assertEquals(names.join(" "), order, `${groups} ${begunBy} ${failed}`);
  }
});
