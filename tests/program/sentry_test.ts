import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import manifest from "../../deno.json" with { type: "json" };
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { FakeSentry, type SentryEvent } from "../support/sentry.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** The exceptions of an event, the outermost last. */
function exceptionsOf(event: SentryEvent): readonly Readonly<Record<string, unknown>>[] {
  const { values = [] } = (event["exception"] ?? {}) as { values?: [] };
  return values;
}

Deno.test("errors of the log are reported with the release, and without secrets", async () => {
  await using sentry = new FakeSentry();
  await using origin = new Origin(fileAnswer("hello"));
  const headers = { Authorization: "Bearer s3cr3t-t0ken" };
  const config = { upstream: [{ server: origin.url, name: "toy", headers }] };
  const env = { SENTRY_DSN: sentry.dsn, SENTRY_ENVIRONMENT: "test" };
  await using program = await ProgramUnderTest.start({ config, env });
  // Nothing can be stored any more.
  await Deno.remove(program.dataDir, { recursive: true });
  await Deno.writeTextFile(program.dataDir, "in the way");
  const init = { headers: { authorization: "Basic s3cr3t-t0ken", cookie: "s3cr3t-t0ken" } };
  const response = await program.fetch("/pool/hello.deb?sig=s3cr3t-t0ken", init);
  assertEquals(await response.text(), "hello");
  const failure = await sentry.event((event) => exceptionsOf(event).length > 0);
  assertEquals(
    [failure["release"], failure["environment"], failure["level"]],
    [`cache-proxy@${manifest.version}`, "test", "error"],
  );
  assertStringIncludes(JSON.stringify(failure["extra"]), "Cannot store /pool/hello.deb?***");
  assertEquals(failure["tags"], { logger: "cache-proxy.fill" });
  assertEquals(
    [failure["user"], failure["request"], failure["breadcrumbs"]],
    Array(3).fill(undefined),
  );
  const frames = JSON.stringify(exceptionsOf(failure).at(-1)?.["stacktrace"]);
  assertStringIncludes(frames, "app:///src/");
  assert(!frames.includes(ROOT), "no path of this machine");

  await program.reload({ upstream: [] });
  const refused = await sentry.event(({ message }) => message !== undefined);
  assertStringIncludes(String(refused["message"]), "Nothing was changed: ");
  assertStringIncludes(String(refused["message"]), "upstream: expected at least one mirror");

  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
  const everything = sentry.envelopes.join("\n");
  assertNotMatch(everything, /s3cr3t/);
  assertNotMatch(everything, /127\.0\.0\.1/);
});

Deno.test("what comes in warnings is not reported, and errors that are not written are", async () => {
  await using sentry = new FakeSentry();
  const upstream = [{ server: "http://127.0.0.1:1", name: "absent" }];
  const config = { upstream };
  await using program = await ProgramUnderTest.start({
    config,
    env: { SENTRY_DSN: sentry.dsn },
  });
  await (await program.fetch("/file")).body?.cancel();
  const log = { level: "debug", events: false };
  await Deno.writeTextFile(program.configFile, program.configText({ upstream, log }));
  program.kill("SIGHUP");
  const { admin } = await program.line((line) => line["admin"] !== undefined);
  while ((await (await fetch(`${admin}/log-level`)).json()).level !== "debug");
  await Deno.writeTextFile(program.configFile, "upstream: [{ server: 1 }]");
  program.kill("SIGHUP");
  const event = await sentry.event(() => true);
  assertStringIncludes(String(event["message"]), "Nothing was changed");
  assertEquals(sentry.events.length, 1);
});

Deno.test("a Sentry that is not there harms nobody", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [{ server: origin.url, name: "toy" }] };
  const env = { SENTRY_DSN: "http://key@127.0.0.1:1/42" };
  await using program = await ProgramUnderTest.start({ config, env });
  await program.reload({ upstream: [] });
  assertEquals(await (await program.fetch("/file")).text(), "hello");
  program.kill("SIGTERM");
  assertEquals((await program.ended).code, 0);
});

Deno.test("a DSN that is none is told of, without its text, and nothing is reported", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [{ server: origin.url, name: "toy" }] };
  const env = { SENTRY_DSN: "s3cr3t" };
  await using program = await ProgramUnderTest.start({ config, env });
  const line = await program.line(({ logger }) => logger === "cache-proxy.reports");
  assertEquals(line["level"], "WARN");
  assertNotMatch(JSON.stringify(program.log), /s3cr3t/);
});

Deno.test("what nobody has caught is reported before it ends the program", async () => {
  for (const kind of ["rejection", "error"]) {
    await using sentry = new FakeSentry();
    const fixture = fromFileUrl(new URL("../support/uncaught.ts", import.meta.url));
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--frozen", "--cached-only", "-A", fixture, kind],
      cwd: ROOT,
      env: { SENTRY_DSN: sentry.dsn, NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assertEquals(code, 3, new TextDecoder().decode(stderr));
    const [event] = sentry.events;
    assertEquals([event?.["level"], sentry.events.length], ["fatal", 1], kind);
    assertEquals(exceptionsOf(event ?? {})[0]?.["value"], `Uncaught ${kind}`);
  }
});

Deno.test("what only some need is loaded by those alone", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--frozen", "--json", "main.ts"],
    cwd: ROOT,
  }).output();
  interface Module {
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      /** Not there where only types are imported. */
      readonly code?: unknown;
    }[];
  }
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  const dependencies = modules.flatMap(({ dependencies = [] }) => dependencies);
  for (const name of ["@sentry/deno", "@opentelemetry/api"]) {
    const ways = dependencies.filter(({ specifier, code }) =>
      specifier === name && code !== undefined
    );
    assert(ways.length > 0 && ways.every(({ isDynamic }) => isDynamic), name);
  }
});
