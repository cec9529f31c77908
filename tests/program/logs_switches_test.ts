import { assertEquals, assertMatch } from "@std/assert";
import { statusAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";

Deno.test("without requests the events are written, at any level", async () => {
  await using origin = new Origin(statusAnswer(404));
  for (const level of ["info", "trace"]) {
    const upstream = [{ server: origin.url, name: "toy" }];
    const config = { upstream, log: { level, requests: false } };
    await using program = await ProgramUnderTest.start({ config });
    await (await program.fetch("/file")).body?.cancel();
    program.kill("SIGTERM");
    await program.ended;
    assertEquals(program.requests, [], level);
    assertEquals(program.log.at(-1)?.["message"], "Stopped");
  }
});

Deno.test("a config that is applied switches requests and events", async () => {
  await using origin = new Origin(statusAnswer(404));
  const upstream = [{ server: origin.url, name: "toy" }];
  await using program = await ProgramUnderTest.start({ config: { upstream } });
  await (await program.fetch("/before")).body?.cancel();
  await program.reload({ upstream, log: { requests: false } });
  await (await program.fetch("/unlogged")).body?.cancel();
  // Events at level warn and requests all the same: nothing tells that it was applied but these.
  const admin = String((await program.line((line) => line["admin"] !== undefined))["admin"]);
  const config = program.configText({ upstream, log: { level: "warn", requests: true } });
  await Deno.writeTextFile(program.configFile, config);
  program.kill("SIGHUP");
  await levelIs(admin, "warn");
  await (await program.fetch("/after")).body?.cancel();
  await program.line(({ path }) => path === "/after");
  await Deno.writeTextFile(
    program.configFile,
    program.configText({ upstream, log: { level: "debug", events: false, requests: true } }),
  );
  program.kill("SIGHUP");
  await levelIs(admin, "debug");
  await (await program.fetch("/last")).body?.cancel();
  program.kill("SIGTERM");
  await program.ended;
  assertEquals(program.requests.map(({ path }) => path), ["/before", "/after", "/last"]);
  const messages = program.log.map(({ message }) => String(message));
  assertEquals(messages.filter((message) => message.startsWith("Applied")).length, 1);
  assertMatch(messages.at(-1) ?? "", /^GET \/last 404/, "no event tells of the end");
});

Deno.test("the level is changed while the program runs, until the config is applied", async () => {
  await using origin = new Origin(statusAnswer(404));
  const upstream = [{ server: origin.url, name: "toy" }];
  await using program = await ProgramUnderTest.start({ config: { upstream } });
  const { admin } = await program.line((line) => line["admin"] !== undefined);
  const put = async (level: string): Promise<number> => {
    const response = await fetch(`${admin}/log-level`, {
      method: "PUT",
      headers: { "x-cache-proxy": "1" },
      body: JSON.stringify({ level }),
    });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await put("debug"), 200);
  await (await program.fetch("/debug")).body?.cancel();
  await program.line(({ level, path, key }) => level === "DEBUG" && (path ?? key) === "/debug");
  assertEquals(await put("error"), 200);
  await (await program.fetch("/quiet")).body?.cancel();
  assertEquals(await put("info"), 200);
  await (await program.fetch("/loud")).body?.cancel();
  await program.line(({ path }) => path === "/loud");
  assertEquals(program.requests.map(({ path }) => path), ["/debug", "/loud"]);
  assertEquals(await put("warn"), 200);
  await program.reload({ upstream });
  await levelIs(String(admin), "info");
});

/** Resolves when the program tells this level. */
async function levelIs(admin: string, level: string): Promise<void> {
  for (let tries = 0; tries < 10_000; tries++) {
    const told = await (await fetch(`${admin}/log-level`)).json();
    if (told.level === level) return;
  }
  throw new Error(`The level did not become ${level}`);
}
