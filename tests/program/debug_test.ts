import { assert, assertEquals } from "@std/assert";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";

Deno.test("the program's own permissions are enough for a profile and a snapshot", async () => {
  await using origin = new Origin(statusAnswer(404));
  const config = {
    upstream: [{ server: origin.url, name: "toy" }],
    admin: { port: 0, debug: true },
  };
  await using program = await ProgramUnderTest.start({ config });
  const { admin } = await program.line((line) => line["admin"] !== undefined);
  const profile = await fetch(`${admin}/debug/cpu-profile?seconds=1`);
  assertEquals(profile.status, 200);
  assert((await profile.json()).nodes.length > 0);
  const snapshot = await fetch(`${admin}/debug/heap-snapshot`);
  assertEquals(snapshot.status, 200);
  assert((await snapshot.json()).snapshot.node_count > 1_000);
});
