import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { GatedBody } from "../support/gated_body.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Two pieces that are both too large to hide in the buffers between two processes. */
const PIECE_BYTES = 4 * 1024 * 1024;
const PIECES = [1, 2].map((fill) => new Uint8Array(PIECE_BYTES).fill(fill));
const BODY = new Uint8Array(await new Blob(PIECES).arrayBuffer());

/** More connections than a program that is going down can still have taken by mistake. */
const MAX_CONNECTS = 10_000;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} lets a download end, takes no new connection and exits with 0`, async () => {
    await using folder = await tempDir();
    const { program, origin, body } = await start(folder.path);
    await using _ = program;
    await using __ = origin;
    // A connection that is kept open and idle must not hold up the end.
    await (await program.fetch("/none")).body?.cancel();
    const response = await program.fetch("/file");

    program.kill(signal);
    await program.line(({ signal: seen }) => seen === signal);
    await refused(program.port);
    body.release();

    assertEquals(await response.bytes(), BODY);
    assertEquals(await program.ended, { code: 0, signal: null });
    assertEquals(program.stderr, "");
    assertEquals(program.log.at(-1)?.["message"], "Stopped");
    assertEquals(await unfinished(program.dataDir), []);
    assertEquals(await Deno.readFile(join(program.dataDir, "file")), BODY);
  });
}

Deno.test("a download whose client has left is finished before the program ends", async () => {
  await using folder = await tempDir();
  const { program, origin, body } = await start(folder.path);
  await using _ = program;
  await using __ = origin;
  await (await program.fetch("/file")).body?.cancel();
  await program.line(({ path, complete }) => path === "/file" && complete === false);

  program.kill("SIGTERM");
  await program.line(({ signal }) => signal === "SIGTERM");
  body.release();

  assertEquals(await program.ended, { code: 0, signal: null });
  assertEquals(await unfinished(program.dataDir), []);
  assertEquals(await Deno.readFile(join(program.dataDir, "file")), BODY);
});

Deno.test("a second signal cuts a download that is stuck, and nothing unfinished is left", async () => {
  await using folder = await tempDir();
  const { program, origin, body } = await start(folder.path);
  await using _ = program;
  await using __ = origin;
  const response = await program.fetch("/file");

  program.kill("SIGTERM");
  await program.line(({ signal }) => signal === "SIGTERM");
  program.kill("SIGTERM");

  await assertRejects(() => response.bytes());
  assertEquals(await program.ended, { code: 0, signal: null });
  await body.cancelled;
  assertEquals(await unfinished(program.dataDir), []);
  assertEquals(await names(program.dataDir), [".cache-proxy"]);
  const line = program.requests.at(-1);
  assertEquals([line?.["path"], line?.["complete"]], ["/file", false]);
});

Deno.test("a second signal does not wait for a mirror that has not begun to answer", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using origin = new Origin(() => {
    asked.resolve();
    return answer.promise;
  });
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config });
  const response = program.fetch("/file").then((it) => it.text()).catch(() => "broken");
  await asked.promise;

  program.kill("SIGINT");
  await program.line(({ signal }) => signal === "SIGINT");
  program.kill("SIGINT");

  assertEquals(await program.ended, { code: 0, signal: null });
  answer.resolve(new Response());
  await response;
});

Deno.test("a second signal does not wait for a client that does not read", async () => {
  await using folder = await tempDir();
  // Far more than the buffers of a connection hold.
  const large = new Uint8Array(64 * 1024 * 1024);
  await using origin = new Origin(() => new Response(large));
  const config = { upstream: [{ server: origin.url }] };
  const dataDir = join(folder.path, "data");
  await using program = await ProgramUnderTest.start({ config, dataDir });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  await client.write(new TextEncoder().encode("GET /file HTTP/1.1\r\nHost: x\r\n\r\n"));
  await program.stored("/file");

  program.kill("SIGTERM");
  await program.line(({ signal }) => signal === "SIGTERM");
  program.kill("SIGTERM");

  assertEquals(await program.ended, { code: 0, signal: null });
  assertEquals((await Deno.stat(join(dataDir, "file"))).size, large.byteLength);
  assertEquals(await unfinished(dataDir), []);
});

Deno.test("with nothing under way the program ends at the first signal, and starts again", async () => {
  await using folder = await tempDir();
  await using origin = new Origin(() => new Response("body"));
  const options = { config: { upstream: [{ server: origin.url }] }, dataDir: folder.path };
  for (const expected of ["MISS", "HIT", "HIT"]) {
    await using program = await ProgramUnderTest.start(options);
    const response = await program.fetch("/file");
    assertEquals([response.headers.get("x-cache"), await response.text()], [expected, "body"]);
    program.kill("SIGTERM");
    assertEquals(await program.ended, { code: 0, signal: null });
  }
  assertEquals(origin.seen.length, 1);
});

/** A program in front of a mirror that sends the second half of `/file` when it is let. */
async function start(
  dataDir: string,
): Promise<{ program: ProgramUnderTest; origin: Origin; body: GatedBody }> {
  const body = new GatedBody(PIECES);
  const headers = { "content-length": String(BODY.byteLength) };
  const origin = new Origin(({ target }) =>
    target === "/file"
      ? new Response(body.stream, { headers })
      : new Response("none", { status: 404 })
  );
  const config = { upstream: [{ server: origin.url }] };
  return { program: await ProgramUnderTest.start({ config, dataDir }), origin, body };
}

/** Resolves when nobody takes connections at the port any more. */
async function refused(port: number): Promise<void> {
  for (let connects = 0; connects < MAX_CONNECTS; connects++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return;
      // It was in the queue of a listener that closed just then.
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  }
  throw new Error(`Connections are still taken after ${MAX_CONNECTS}`);
}

async function unfinished(dataDir: string): Promise<string[]> {
  return await names(join(dataDir, ".cache-proxy/partial"));
}

async function names(folder: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
}
