import { assertEquals } from "@std/assert";
import { Repeats } from "../../src/decide/repeats.ts";
import { NOON } from "../support/facts.ts";

Deno.test("news of one kind is told once a minute, with how often it was not", () => {
  const repeats = new Repeats();
  assertEquals(repeats.tell("full", NOON), 0);
  assertEquals(repeats.tell("full", NOON + 1), null);
  assertEquals(repeats.tell("full", NOON + 59_999), null);
  assertEquals(repeats.tell("broken", NOON + 59_999), 0);
  assertEquals(repeats.tell("full", NOON + 60_000), 2);
  assertEquals(repeats.tell("full", NOON + 60_001), null);
});

Deno.test("a clock that was set back keeps nobody silent", () => {
  const repeats = new Repeats();
  repeats.tell("full", NOON);
  assertEquals(repeats.tell("full", NOON - 1), 0);
});

Deno.test("only so many kinds are remembered, the latest", () => {
  const repeats = new Repeats();
  for (let kind = 0; kind <= 100; kind++) repeats.tell(`${kind}`, NOON);
  assertEquals(repeats.tell("100", NOON), null);
  assertEquals(repeats.tell("0", NOON), 0);
});
