import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { makeCertificate } from "../support/certificate.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest, runProgram } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const PIECES = [1, 2].map((fill) => new Uint8Array(4 * 1024 * 1024).fill(fill));
const BODY = new Uint8Array(await new Blob(PIECES).arrayBuffer());

Deno.test("with listen.tls the program speaks HTTPS with HTTP/2, misses and hits alike", async () => {
  await using setUp = await start(() => new Response("body", { headers: { etag: '"1"' } }));
  const { program, client, certFile } = setUp;
  assertMatch(program.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  for (const expected of ["MISS", "HIT"]) {
    const response = await program.fetch("/file", { client });
    assertEquals([response.headers.get("x-cache"), await response.text()], [expected, "body"]);
    await program.stored("/file");
  }
  const byCurl = await curl(["--http2", "--cacert", certFile, `${program.url}/file`]);
  if (byCurl === null) return say("no curl with HTTP/2 here: looked with fetch alone");
  assertEquals(byCurl, "2 200 body");
  assertEquals(
    await curl(["--http1.1", "--cacert", certFile, `${program.url}/file`]),
    "1.1 200 body",
  );
  assertEquals(setUp.origin.seen.length, 1);
});

Deno.test("many downloads at once over one HTTP/2 connection are all right", async () => {
  await using setUp = await start(({ target }) => new Response(target.repeat(50_000)));
  const { program, client } = setUp;
  const paths = Array.from({ length: 40 }, (_, at) => `/file${at % 20}`);
  await Promise.all(paths.map(async (path) => {
    const response = await program.fetch(path, { client });
    assertEquals(await response.text(), path.repeat(50_000));
  }));
  assertEquals(setUp.origin.seen.length, 20);
});

Deno.test("SIGTERM lets a download over HTTPS end and exits with 0", async () => {
  const body = new GatedBody(PIECES);
  await using setUp = await start(() => respondWith(body));
  const { program, certFile } = setUp;
  // Not over HTTP/2: there the platform closes the connection while frames of a busy client are
  // still on their way, so that the system resets it and the last bytes may be lost.
  const caCerts = [await Deno.readTextFile(certFile)];
  using client = Deno.createHttpClient({ caCerts, http2: false });
  const response = await program.fetch("/file", { client });

  program.kill("SIGTERM");
  await program.line(({ signal }) => signal === "SIGTERM");
  body.release();

  assertEquals(await response.bytes(), BODY);
  // A client that keeps its connection must not hold up the end.
  assertEquals(await program.ended, { code: 0, signal: null });
  assertEquals(await Deno.readFile(join(program.dataDir, "file")), BODY);
});

Deno.test("a second signal cuts a download over HTTPS that is stuck", async () => {
  const body = new GatedBody(PIECES);
  await using setUp = await start(() => respondWith(body));
  const { program, client } = setUp;
  const response = await program.fetch("/file", { client });

  program.kill("SIGTERM");
  await program.line(({ signal }) => signal === "SIGTERM");
  program.kill("SIGTERM");

  await assertRejects(() => response.bytes());
  assertEquals(await program.ended, { code: 0, signal: null });
  await body.cancelled;
  assertEquals([...Deno.readDirSync(join(program.dataDir, ".cache-proxy/partial"))], []);
});

Deno.test("plain HTTP on the port for HTTPS is no answer, and harms nobody", async () => {
  await using setUp = await start(() => new Response("body"));
  const { program, client } = setUp;
  await assertRejects(() => fetch(program.url.replace("https:", "http:")));
  assertEquals(await (await program.fetch("/file", { client })).text(), "body");
});

Deno.test("a certificate that is missing or unusable ends the start with exit code 1", async () => {
  await using folder = await tempDir();
  const missing = join(folder.path, "missing.pem");
  const empty = join(folder.path, "empty.pem");
  await Deno.writeTextFile(empty, "");
  for (const [cert, expected] of [[missing, "Cannot read certificate"], [empty, "Cannot listen"]]) {
    const file = join(folder.path, "config.yaml");
    const lines = [
      `listen: { address: 127.0.0.1, port: 0, tls: { cert: "${cert}", key: "${empty}" } }`,
      "admin: { port: 0 }",
      "upstream: [{ server: http://127.0.0.1:1 }]",
      `storage: { local: { path: "${join(folder.path, "data")}" } }`,
    ];
    await Deno.writeTextFile(file, lines.join("\n"));
    const { code, stdout, stderr } = await runProgram(["--config", file]);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertStringIncludes(stderr, expected ?? "");
    assertEquals(stderr.trimEnd().split("\n").length, 1);
  }
});

interface SetUp extends AsyncDisposable {
  readonly program: ProgramUnderTest;
  readonly origin: Origin;
  readonly client: Deno.HttpClient;
  readonly certFile: string;
}

/** The program with a certificate of its own, and a client that knows it. */
async function start(answer: ConstructorParameters<typeof Origin>[0]): Promise<SetUp> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir());
  const cert = join(folder.path, "cert.pem");
  const key = join(folder.path, "key.pem");
  await makeCertificate(cert, key);
  const origin = stack.use(new Origin(answer));
  const config = {
    listen: { address: "127.0.0.1", port: 0, tls: { cert, key } },
    upstream: [{ server: origin.url }],
  };
  const dataDir = join(folder.path, "data");
  const program = stack.use(await ProgramUnderTest.start({ config, dataDir }));
  const client = stack.use(Deno.createHttpClient({ caCerts: [await Deno.readTextFile(cert)] }));
  return {
    program,
    origin,
    client,
    certFile: cert,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Version of HTTP, status and body; null where there is no curl that can do it. */
async function curl(args: readonly string[]): Promise<string | null> {
  try {
    const version = await new Deno.Command("curl", { args: ["--version"] }).output();
    if (!new TextDecoder().decode(version.stdout).includes("HTTP2")) return null;
  } catch {
    return null;
  }
  const all = [
    "--silent",
    "--show-error",
    "--noproxy",
    "*",
    "--write-out",
    " %{http_version} %{http_code}",
  ];
  const command = new Deno.Command("curl", { args: [...all, ...args] });
  const { stdout, stderr } = await command.output();
  const [, body, ...rest] = /^(.*) (\S+) (\d+)$/s.exec(new TextDecoder().decode(stdout)) ?? [];
  if (body === undefined) throw new Error(new TextDecoder().decode(stderr));
  return [...rest, body].join(" ");
}

function respondWith(body: GatedBody): Response {
  const headers = { "content-length": String(BODY.byteLength) };
  return new Response(body.stream, { headers });
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
