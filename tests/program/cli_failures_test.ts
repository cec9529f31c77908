import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";
import { adminOf, CliBench, runCli } from "./cli_support.ts";

const TOKEN = "correct.horse-battery_staple";

/** Commands that a running proxy answers, with what they need. */
const ASKING: readonly (readonly string[])[] = [
  ["status"],
  ["ls"],
  ["purge", "/a"],
  ["purge", "--prefix", "/a/"],
  ["prefetch", "/a"],
];

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("where no proxy runs, commands that need one say so, and what to do", async () => {
  await using folder = await tempDir();
  const port = freePort();
  const file = await configIn(folder.path, `admin: { port: ${port} }`);
  for (const args of [...ASKING, ["status", "--json"]]) {
    const { code, stdout, stderr } = await runCli([...args, "--config", file]);
    assertEquals({ code, stdout }, { code: 1, stdout: "" }, args.join(" "));
    assertMatch(
      stderr,
      new RegExp(
        `^Cannot reach the admin listener at http://127\\.0\\.0\\.1:${port}: Connection refused\n` +
          'Is the proxy running\\? "cache-proxy serve" starts it; ',
      ),
    );
  }
  const { code, stderr } = await runCli(["verify", "--config", file]);
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot verify ".*\/data": no proxy has run with this data directory\n$/);
  assertEquals(await Deno.stat(join(folder.path, "data")).catch(() => null), null);
});

Deno.test("a token is taken from the config, the environment or a flag; a wrong one is refused", async () => {
  const port = freePort();
  const config = { upstream: [{ server: "http://127.0.0.1:1" }], admin: { port, token: TOKEN } };
  await using program = await ProgramUnderTest.start({ config });
  const admin = await adminOf(program);
  const place = ["--admin", admin];
  assertEquals((await runCli(["status", "--config", program.configFile])).code, 0);
  assertEquals((await runCli(["status", ...place, "--token", TOKEN])).code, 0);
  const env = { CACHE_PROXY_ADMIN: `${admin}/`, CACHE_PROXY_TOKEN: TOKEN };
  assertEquals((await runCli(["status"], { env })).code, 0);

  for (const args of [...ASKING, ["verify"]]) {
    const { code, stdout, stderr } = await runCli([...args, ...place, "--token", "wrong"], { env });
    assertEquals({ code, stdout }, { code: 1, stdout: "" }, args.join(" "));
    assertEquals(
      stderr,
      `The admin listener at ${admin} does not take this token\n` +
        "Give the value of admin.token by --token or CACHE_PROXY_TOKEN\n",
    );
  }
  const none = await runCli(["status", ...place]);
  assertStringIncludes(none.stderr, `The admin listener at ${admin} needs a token\n`);
});

Deno.test("a configured token goes to the configured listener alone", async () => {
  await using folder = await tempDir();
  await using other = new Origin(() => new Response("{}"));
  const file = await configIn(folder.path, `admin: { port: ${freePort()}, token: ${TOKEN} }`);
  const { code, stderr } = await runCli(["ls", "--admin", other.url, "--config", file]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "is no admin listener of cache-proxy");
  assertEquals(other.seen.map(({ headers }) => headers.get("authorization")), [null]);
});

Deno.test("a proxy that is set for the environment is not asked for what is on this machine", async () => {
  await using elsewhere = new Origin(() => new Response("not me", { status: 502 }));
  await using bench = await CliBench.start({ upstream: [{ server: "http://127.0.0.1:1" }] });
  const env = { HTTP_PROXY: elsewhere.url, http_proxy: elsewhere.url };
  const args = ["status", "--admin", await adminOf(bench.program)];
  assertEquals((await runCli(args, { env })).code, 0);
  assertEquals(elsewhere.seen, []);
});

Deno.test("paths and prefixes that are none are refused before anybody is asked", async () => {
  const examples: readonly (readonly [args: readonly string[], message: string])[] = [
    [["purge", "a/b"], `Cannot use path "a/b": it begins with no slash`],
    [["purge", "/a/../b"], `Cannot use path "/a/../b": Cannot read request target: segment "."`],
    [["prefetch", "http://host/a"], `Cannot use path "http://host/a": it begins with no slash`],
    [["prefetch"], "Cannot prefetch: give paths, or a list of them by -f"],
    [
      ["prefetch", "-f", "/nowhere/list"],
      `Cannot read list "/nowhere/list": there is no such file`,
    ],
    [["purge"], "Cannot purge: give paths, or --prefix and no path"],
    [["purge", "/a", "--prefix", "/b"], "Cannot purge: give paths, or --prefix and no path"],
    [["ls", "a"], `Cannot use prefix "a": it begins with no slash`],
    [["verify", "--prefix", "a"], `Cannot use prefix "a": it begins with no slash`],
    [
      ["check", "--path", "/%zz"],
      `Cannot use path "/%zz": Cannot read request target: bad percent`,
    ],
    [["status", "--admin", "host:1"], `Cannot use admin listener "host:1": it is no URL such as`],
    [["status", "--token", "a b"], "Cannot use the token: it holds a space or what is not ASCII"],
  ];
  const env = { CACHE_PROXY_ADMIN: "http://127.0.0.1:1", CACHE_PROXY_TOKEN: "x" };
  for (const [args, message] of examples) {
    const { code, stdout, stderr } = await runCli(args, { env });
    assertEquals({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    assertStringIncludes(stderr, message);
  }
});

Deno.test("a config that is wrong or missing has exit code 2 with every command", async () => {
  await using folder = await tempDir();
  const file = join(folder.path, "config.yaml");
  await Deno.writeTextFile(file, "upstream: []\nlistn: 1\n");
  for (const args of [...ASKING, ["check"], ["mirrors"], ["import", folder.path], ["verify"]]) {
    const { code, stdout, stderr } = await runCli([...args, "--config", file]);
    assertEquals({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    assertStringIncludes(stderr, `Cannot use ${file}:\n`);
    assertStringIncludes(stderr, "listn");
  }
  const json = await runCli(["check", "--json"], { env: { CONFIG: file } });
  assertEquals(json.code, 2);
  const { valid, problems } = JSON.parse(json.stdout);
  assertEquals([valid, problems.length, problems[0]], [false, 3, `Cannot use ${file}:`]);
  const missing = await runCli(["check"], { cwd: folder.path, env: { CONFIG: "none.yaml" } });
  assertEquals(missing.code, 2);
  assertStringIncludes(missing.stderr, "Cannot read none.yaml: there is no such file");
  const unknown = await runCli(["status"], { env: { CONFIG: "none.yaml" } });
  assertStringIncludes(unknown.stderr, "--admin URL asks a proxy without its configuration");
});

Deno.test("without a port in the config, somebody has to say where the admin listener is", async () => {
  await using folder = await tempDir();
  const file = await configIn(folder.path, "admin: { port: 0 }");
  const { code, stderr } = await runCli(["status", "--config", file]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "Cannot tell where the admin listener is: admin.port is 0\n");
});

Deno.test("an answer that breaks off is told, and is no success", async () => {
  const text = 'event: progress\ndata: {"path":"/a","state":"done","written":1,"size":1}\n\n';
  await using other = new Origin(() =>
    new Response(text, { headers: { "content-type": "text/event-stream" } })
  );
  const env = { CACHE_PROXY_ADMIN: other.url, CACHE_PROXY_TOKEN: "x" };
  const prefetch = await runCli(["prefetch", "/a"], { env });
  assertEquals(prefetch.code, 1);
  assertStringIncludes(prefetch.stderr, "The proxy stopped before all was fetched");
  assertEquals((await runCli(["verify", "--json"], { env })).code, 1);
  other.answer = () => Response.json({ error: "There is no /status here" }, { status: 404 });
  const old = await runCli(["status"], { env });
  assertEquals(old.code, 1);
  assertStringIncludes(old.stderr, "is another version: There is no /status here");
});

Deno.test("what mirrors and others say cannot do anything to the terminal", async () => {
  const reason = "\x1b]0;owned\x07\x1b[2Jbad\nline";
  const event = { path: "/a", state: "failed", written: 0, size: null, upstream: null, reason };
  const text = `event: progress\ndata: ${JSON.stringify(event)}\n\n` +
    'event: done\ndata: {"stored":0,"unchanged":0,"failed":1}\n\n';
  await using other = new Origin(() =>
    new Response(text, { headers: { "content-type": "text/event-stream" } })
  );
  const env = { CACHE_PROXY_ADMIN: other.url, CACHE_PROXY_TOKEN: "x" };
  const { code, lines } = await runCli(["prefetch", "/a"], { env });
  assertEquals(code, 1);
  assertEquals(lines[0], "failed  /a: ?]0;owned??[2Jbad");
});

Deno.test("import refuses folders that cannot be meant, and names what it leaves out", async () => {
  await using folder = await tempDir();
  const file = await configIn(folder.path, "admin: { port: 0 }");
  const run = (dir: string): ReturnType<typeof runCli> => runCli(["import", dir, "--config", file]);
  const missing = await run(join(folder.path, "none"));
  assertEquals(missing.code, 1);
  assertMatch(missing.stderr, /^Cannot import ".*none": there is no folder ".*none"\n$/);
  const around = await run(folder.path);
  assertEquals(around.code, 1);
  assertStringIncludes(around.stderr, "are inside each other");

  const from = join(folder.path, "from");
  await Deno.mkdir(from);
  await Deno.writeTextFile(join(from, "good"), "1");
  await Deno.writeTextFile(join(from, "back\\slash"), "2");
  const some = await run(from);
  assertEquals(some.code, 1);
  assertEquals(some.stderr, "Left out back\\slash: no client can ask for this name\n");
  assertMatch(some.stdout, /^1 file in .*; 1 left out\n$/);
});

/** A config file for a data directory in the folder. */
async function configIn(folder: string, admin: string): Promise<string> {
  const file = join(folder, "config.yaml");
  const lines = [
    "upstream: [{ server: http://127.0.0.1:1 }]",
    admin,
    `storage: { local: { path: "${folder}/data" } }`,
  ];
  await Deno.writeTextFile(file, lines.join("\n"));
  return file;
}
