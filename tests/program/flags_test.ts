import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type Args, parseArgs, type ParsedArgs } from "../../src/main/args.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest, runProgram } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const FLAGS = [
  "--config",
  "--listen",
  "--log-level",
  "--offline",
  "--watch-config",
  "--help",
  "--version",
];

/** What the flags mean, without an environment. */
function parsed(...args: string[]): ParsedArgs {
  return parseArgs(args, () => undefined);
}

Deno.test("--help and -h print the flags to standard output and nothing is started", async () => {
  for (const flag of ["--help", "-help", "-h"]) {
    const { code, stdout, stderr } = await runProgram([flag]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    for (const name of FLAGS) assertStringIncludes(stdout, `  ${name} `);
  }
});

Deno.test("--version prints name and version alone", async () => {
  const { code, stdout, stderr } = await runProgram(["--version"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertMatch(stdout, /^cache-proxy \d+\.\d+\.\d+\n$/);
});

Deno.test("wrong flags are all reported on standard error with exit code 2", async () => {
  const wrong = ["--confg", "a.yaml", "--listen=8881", "-loglevel=info", "--zzzzzzzz"];
  const { code, stdout, stderr } = await runProgram(wrong);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertStringIncludes(stderr, "did you mean --config?");
  assertStringIncludes(stderr, "did you mean --log-level?");
  assertStringIncludes(stderr, `Cannot use --listen "8881": it is not HOST:PORT`);
  assertMatch(stderr, /^Cannot use flag "--zzzzzzzz": it is unknown; --help lists the flags$/m);
});

Deno.test("--offline and --watch-config are off unless they are given, with either dash", () => {
  const off: Args = {
    kind: "run",
    configFile: "config.yaml",
    listen: null,
    logLevel: null,
    offline: false,
    watchConfig: false,
  };
  assertEquals(parsed(), off);
  for (const dashes of ["-", "--"]) {
    assertEquals(parsed(`${dashes}offline`), { ...off, offline: true });
    assertEquals(parsed(`${dashes}watch-config`), { ...off, watchConfig: true });
    assertEquals(parsed(`${dashes}watch-config`, "-config", "a.yaml", `${dashes}offline`), {
      ...off,
      configFile: "a.yaml",
      offline: true,
      watchConfig: true,
    });
  }
  assertEquals(parsed("--offline", "--offline"), { ...off, offline: true });
});

Deno.test("a flag without a value that is given one is refused, not taken for off", () => {
  const examples: [args: string[], flag: string][] = [
    [["--offline=false"], "--offline"],
    [["--offline=no"], "--offline"],
    [["--offline=true"], "--offline"],
    [["-offline", "false"], "--offline"],
    [["-watch-config=0"], "--watch-config"],
    [["--watch-config", "false"], "--watch-config"],
  ];
  for (const [args, flag] of examples) {
    assertEquals(parsed(...args), {
      kind: "invalid",
      problems: [`Cannot use flag ${flag}: it takes no value`],
    }, args.join(" "));
  }
  assertEquals(parsed("--ofline"), {
    kind: "invalid",
    problems: ['Cannot use flag "--ofline": it is unknown; did you mean --offline?'],
  });
});

Deno.test("a config that is not there is named, with exit code 2", async () => {
  await using folder = await tempDir();
  const missing = join(folder.path, "none.yaml");
  const byFlag = await runProgram(["-config", missing]);
  assertEquals({ code: byFlag.code, stdout: byFlag.stdout }, { code: 2, stdout: "" });
  assertStringIncludes(byFlag.stderr, `Cannot read ${missing}: there is no such file`);

  const byEnvironment = await runProgram([], { env: { CONFIG: missing } });
  assertEquals(byEnvironment, byFlag);

  const byDefault = await runProgram([], { cwd: folder.path });
  assertStringIncludes(byDefault.stderr, "Cannot read config.yaml: there is no such file");
});

Deno.test("a bad config is reported with all of its problems at once, with exit code 2", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "bad.yaml");
  const data = join(folder.path, "data");
  await Deno.writeTextFile(
    file,
    [
      "upstream:",
      "  - server: ftp://mirror.example",
      "    path: { match: '(', replace: /$1 }",
      "cache: { timeout: 1x }",
      "listn: { port: 1 }",
      `storage: { local: { path: ${data} } }`,
    ].join("\n"),
  );
  const { code, stdout, stderr } = await runProgram(["--config", file]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  for (const path of ["upstream[0].server", "upstream[0].path.match", "cache.timeout", "listn"]) {
    assertStringIncludes(stderr, path);
  }
  assertStringIncludes(stderr, `unknown unit "x"`);
  assertEquals(await exists(data), false, "nothing was started, so there is no data directory");
});

Deno.test("a log level that does not exist is refused, from wherever it comes", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "config.yaml");
  await Deno.writeTextFile(file, "upstream: [{ server: http://127.0.0.1:1 }]\n");
  const byFlag = await runProgram(["--config", file, "--log-level", "loud"]);
  assertEquals(byFlag.code, 2);
  assertStringIncludes(byFlag.stderr, `Cannot use log level "loud": it is none of trace, debug`);
  const byEnvironment = await runProgram(["--config", file], { env: { LOG_LEVEL: "loud" } });
  assertEquals(byEnvironment, byFlag);
});

Deno.test("flags beat the environment, the environment beats the file", async () => {
  const logs = async (
    level: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<{ debug: boolean; info: boolean; port: number }> => {
    await using origin = new Origin(() => new Response("none", { status: 404 }));
    const config = { upstream: [{ server: origin.url }], log: { level } };
    await using program = await ProgramUnderTest.start({ config, args, env });
    await (await program.fetch("/none")).body?.cancel();
    const { port } = program;
    program.kill("SIGTERM");
    await program.ended;
    const has = (wanted: string): boolean => program.log.some(({ level }) => level === wanted);
    return { debug: has("DEBUG"), info: has("INFO"), port };
  };
  assertEquals((await logs("info", [], {})).debug, false);
  assertEquals((await logs("info", [], { LOG_LEVEL: "debug" })).debug, true);
  const flag = await logs("debug", ["-log-level=info"], { LOG_LEVEL: "trace" });
  assertEquals({ debug: flag.debug, info: flag.info }, { debug: false, info: true });
});

Deno.test("--listen takes the place of the file's address and port", async () => {
  // The file's own address belongs to no machine: listening there would fail.
  const config = {
    listen: { address: "192.0.2.1", port: 1 },
    upstream: [{ server: "http://127.0.0.1:1" }],
  };
  await using v4 = await ProgramUnderTest.start({ config, args: ["--listen", "127.0.0.1:0"] });
  assertMatch(v4.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  await using v6 = await ProgramUnderTest.start({ config, args: ["--listen=[::1]:0"] });
  assertMatch(v6.url, /^http:\/\/\[::1\]:\d+$/);
  const { status, body } = await v6.fetch("/x");
  await body?.cancel();
  assertEquals(status, 502);
});

Deno.test("a port in use ends the start with exit code 1 and one line that says so", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listen = `127.0.0.1:${taken.addr.port}`;
  const { code, stderr, dataLeft } = await startInVain({ args: ["--listen", listen] });
  assertEquals(code, 1);
  assertStringIncludes(stderr, `Cannot listen on ${listen}: something else does`);
  assertEquals(stderr.trimEnd().split("\n").length, 1);
  assertEquals(dataLeft, []);
});

Deno.test("an address of another machine ends the start with exit code 1 and one line", async () => {
  const { code, stderr } = await startInVain({ args: ["--listen", "192.0.2.1:0"] });
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot listen on 192\.0\.2\.1:0: .+\n$/);
});

Deno.test("a data directory that cannot be made ends the start with exit code 1", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "file");
  await Deno.writeTextFile(file, "in the way");
  const dataDir = join(file, "data");
  const { code, stdout, stderr } = await startInVain({ dataDir });
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(stderr, /^Cannot create data directory ".*\/file\/data": .+\n$/);
  assertEquals(await Deno.readTextFile(file), "in the way");
});

Deno.test("a data directory that another instance uses ends the start with exit code 1", async () => {
  const config = { upstream: [{ server: "http://127.0.0.1:1" }] };
  await using first = await ProgramUnderTest.start({ config });
  const { code, stdout, stderr } = await startInVain({ dataDir: first.dataDir });
  assertEquals({ code, stdout }, { code: 1, stdout: "" });
  assertMatch(stderr, /^Cannot use data directory ".*": another cache-proxy uses it\n$/);
  assertEquals((await (await first.fetch("/x")).text()).startsWith("502"), true);
});

/** Runs the program with a config that is right until it gives up. */
async function startInVain(
  options: { readonly dataDir?: string; readonly args?: readonly string[] },
): Promise<{ code: number; stdout: string; stderr: string; dataLeft: string[] }> {
  await using folder = await tempDir();
  const dataDir = options.dataDir ?? join(folder.path, "data");
  const file = join(folder.path, "config.yaml");
  const lines = [
    "listen: { address: 127.0.0.1, port: 0 }",
    "admin: { port: 0 }",
    "upstream: [{ server: http://127.0.0.1:1 }]",
    `storage: { local: { path: "${dataDir}" } }`,
  ];
  await Deno.writeTextFile(file, lines.join("\n"));
  const output = await runProgram(["--config", file, ...options.args ?? []]);
  const partial = join(dataDir, ".cache-proxy/partial");
  const dataLeft = await exists(partial) ? [...Deno.readDirSync(partial)].map((e) => e.name) : [];
  return { ...output, dataLeft };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
