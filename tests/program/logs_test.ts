import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import { readLines } from "../support/lines.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import {
  type LogLine,
  programArgs,
  ProgramUnderTest,
  runProgram,
} from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const BODY = "0123456789";

function answerOf(target: string): Response {
  return target.startsWith("/file")
    ? new Response(BODY, { headers: { etag: '"1"', "content-type": "text/plain" } })
    : new Response("none", { status: 404 });
}

/** The line of the access log for a request, without what differs from run to run. */
async function loggedRequest(
  program: ProgramUnderTest,
  path: string,
  init?: RequestInit,
): Promise<LogLine> {
  const before = program.requests.length;
  const body = await (await program.fetch(path, init)).bytes();
  await program.line((line) => program.requests.indexOf(line) >= before);
  const { "@timestamp": time, ms, bytes, message, level, logger, client, ...line } =
    program.requests[before] ?? {};
  assertEquals(bytes, body.byteLength);
  assertMatch(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert(typeof ms === "number" && ms >= 0 && ms < 60_000, `ms is ${ms}`);
  assertEquals({ level, logger, client }, {
    level: "INFO",
    logger: "cache-proxy.access",
    client: "127.0.0.1",
  });
  assertStringIncludes(String(message), `${line["method"]} ${path} ${line["status"]}`);
  return line;
}

Deno.test("each request is one JSON line with what was asked, what was answered and why", async () => {
  await using origin = new Origin(({ target }) => answerOf(target));
  const config = { upstream: [{ server: origin.url, name: "toy" }] };
  await using program = await ProgramUnderTest.start({ config });
  const miss = { cache: "MISS", upstream: "toy", reason: "not-stored", complete: true };
  const hit = { cache: "HIT", upstream: "toy", reason: "young", complete: true };
  const none = { cache: null, upstream: null, complete: true };
  const range = { headers: { range: "bytes=2-4" } };
  const known = { headers: { "if-none-match": '"1"' } };
  const rows: [string, RequestInit, LogLine][] = [
    ["/file?a=b", {}, { status: 200, ...miss }],
    ["/file?a=b", {}, { status: 200, ...hit }],
    ["/file?a=b", range, { status: 206, ...hit }],
    ["/file?a=b", known, { status: 304, ...hit }],
    ["/file?a=b", { method: "HEAD" }, { status: 200, ...hit }],
    ["/file2", { method: "HEAD" }, {
      status: 200,
      ...miss,
      reason: "head-of-uncached",
    }],
    ["/none", {}, { status: 404, ...none, reason: "no-upstream-delivered" }],
    ["/file", { method: "POST" }, { status: 405, ...none, reason: "method" }],
    ["/a%2F..%2Fb", {}, {
      status: 400,
      ...none,
      reason: 'Cannot read request target: segment "." or ".."',
    }],
  ];
  for (const [path, init, expected] of rows) {
    const method = init.method ?? "GET";
    const line = await loggedRequest(program, path, init);
    assertEquals(line, { method, path, ...expected }, `${method} ${path}`);
  }
  assertEquals(program.requests.length, rows.length);
});

Deno.test("the line of a download that breaks off says how much was sent and that it is not all", async () => {
  await using origin = new RawOrigin(async ({ write, close }) => {
    await write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nthe start");
    close();
  });
  const config = { upstream: [{ server: origin.url, name: "toy" }] };
  await using program = await ProgramUnderTest.start({ config });
  const response = await program.fetch("/file");
  assertEquals(await response.text().then(() => "whole", () => "broken"), "broken");
  const line = await program.line(({ logger }) => logger === "cache-proxy.access");
  assertEquals({ bytes: line["bytes"], complete: line["complete"], status: line["status"] }, {
    bytes: 9,
    complete: false,
    status: 200,
  });
  const warning = await program.line(({ level }) => level === "WARN");
  assertMatch(String(warning["message"]), /^Fill of \/file from toy broke off after 9 bytes: .+/);
});

Deno.test("log.format text gives lines for people, even where standard output is no terminal", async () => {
  await using origin = new Origin(({ target }) => answerOf(target));
  await using folder = await tempDir();
  const text = [
    "listen: { address: 127.0.0.1, port: 0 }",
    "admin: { port: 0 }",
    `upstream: [{ server: "${origin.url}", name: toy }]`,
    `storage: { local: { path: "${join(folder.path, "data")}" } }`,
    "log: { format: text }",
  ].join("\n");
  const file = join(folder.path, "config.yaml");
  await Deno.writeTextFile(file, text);
  const command = new Deno.Command(Deno.execPath(), {
    args: programArgs(["--config", file]),
    stdout: "piped",
  });
  await using child = command.spawn();
  const lines: string[] = [];
  for await (const line of readLines(child.stdout)) {
    lines.push(line);
    const url = /Listening on (http:\S+),/.exec(line)?.[1];
    if (url === undefined) continue;
    await (await fetch(`${url}/file`)).body?.cancel();
    child.kill("SIGTERM");
  }
  assertMatch(lines[0] ?? "", /^\S+Z \[info\] cache-proxy: Listening on http:/);
  const access = lines.find((line) => line.includes("cache-proxy.access")) ?? "";
  assertMatch(
    access,
    /^\S+Z \[info\] cache-proxy\.access: GET \/file 200 10B [\d.]+ms MISS toy not-stored$/,
  );
});

Deno.test("on a terminal the log is text", async (t) => {
  if (!await hasScript()) {
    // Said aloud, since a test that is skipped looks like one that has passed.
    await t.step({
      name: "script (util-linux) makes a terminal: not there",
      ignore: true,
      fn() {},
    });
    return;
  }
  await using folder = await tempDir();
  const file = join(folder.path, "config.yaml");
  const config = [
    "listen: { address: 127.0.0.1, port: 0 }",
    "admin: { port: 0 }",
    "upstream: [{ server: http://127.0.0.1:1 }]",
    `storage: { local: { path: "${join(folder.path, "data")}" } }`,
  ];
  await Deno.writeTextFile(file, config.join("\n"));
  const program = [Deno.execPath(), ...programArgs(["--config", file])];
  const quoted = program.map((arg) => `'${arg}'`).join(" ");
  const command = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `exec ${quoted}`, join(folder.path, "typescript")],
    stdin: "piped",
    stdout: "piped",
  });
  await using child = command.spawn();
  const lines: string[] = [];
  const stdin = child.stdin.getWriter();
  for await (const line of readLines(child.stdout)) {
    lines.push(line.trimEnd());
    // Ctrl-C at the terminal: the way people stop it.
    if (line.includes("Listening")) await stdin.write(new Uint8Array([3]));
  }
  await stdin.close().catch(() => {});
  assertMatch(lines[0] ?? "", /^\S+Z \[info\] cache-proxy: Listening on http:/);
  assertMatch(lines.at(-1) ?? "", /\[info\] cache-proxy: Stopped$/);
  assertEquals((await child.status).code, 0);
});

Deno.test("log.level leaves out what is less important", async () => {
  await using folder = await tempDir();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const file = join(folder.path, "config.yaml");
  // An old spelling is worth a warning, and the port in use ends the program by itself.
  const text = [
    `listen: { address: 127.0.0.1, port: ${taken.addr.port} }`,
    "admin: { port: 0 }",
    "upstream: [{ server: http://127.0.0.1:1, match: { match: ^/a/ } }]",
    `storage: { local: { path: "${join(folder.path, "data")}" } }`,
  ];
  await Deno.writeTextFile(file, text.join("\n"));
  const logged: Record<string, string[]> = {};
  for (const level of ["info", "warn", "error"]) {
    const { stdout } = await runProgram(["--config", file, "--log-level", level]);
    const lines = stdout.split("\n").filter((line) => line !== "");
    logged[level] = lines.map((line) => JSON.parse(line).level);
  }
  assertEquals(logged, { info: ["WARN"], warn: ["WARN"], error: [] });
});

Deno.test("no credential gets into the log or an error's text, not even at level trace", async () => {
  const secret = "s3cr3t-t0ken";
  await using moving = new Origin(() => Response.redirect("http://127.0.0.1:1/elsewhere", 302));
  await using refusing = new Origin(() => new Response("no", { status: 403 }));
  const headers = { Authorization: "Bearer ${TOKEN}", "X-Key": "${TOKEN}" };
  const upstream = [
    { server: moving.url, name: "moving", headers },
    { server: refusing.url, name: "refusing", headers },
    { server: "http://127.0.0.1:1", name: "absent", headers },
    { server: refusing.url, name: "proxied", headers, proxy: "http://user:${TOKEN}@127.0.0.1:1" },
  ];
  await using program = await ProgramUnderTest.start({
    config: { upstream, log: { level: "trace" } },
    env: { TOKEN: secret },
  });
  const credentials = { authorization: `Basic ${secret}`, cookie: secret };
  const response = await program.fetch("/file", { headers: credentials });
  const text = await response.text();
  assertEquals(response.status, 502);
  for (const { name } of upstream) assertStringIncludes(text, name);
  program.kill("SIGTERM");
  await program.ended;
  assertEquals(refusing.seen[0]?.headers.get("x-key"), secret, "the upstream itself gets it");
  assertEquals(refusing.seen[0]?.headers.get("cookie"), null, "the client's own are not passed on");
  const everything = JSON.stringify([text, program.log, program.stderr]);
  assertNotMatch(everything, new RegExp(secret));
});

async function hasScript(): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux");
  } catch {
    return false;
  }
}
