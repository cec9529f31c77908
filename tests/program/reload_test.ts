import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer } from "../support/answers.ts";
import { assertSameBytes, randomBytes, textOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { Counter } from "../support/gate.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { RawClient } from "../support/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";

const PIECE_BYTES = 1024 * 1024;

Deno.test("SIGHUP applies other mirrors, policies, limits and another log level", async () => {
  await using first = new Origin(fileAnswer("from the first"));
  await using second = new Origin(fileAnswer("from the second"));
  const config = { upstream: [{ server: first.url }] };
  await using program = await ProgramUnderTest.start({ config });
  assertEquals(await ask(program, "/a"), "MISS from the first");
  await program.stored("/a");

  const other = { upstream: [{ server: second.url }] };
  assertStringIncludes(String((await program.reload(other))["message"]), "Applied");
  assertEquals(await ask(program, "/a"), "HIT from the first");
  assertEquals(await ask(program, "/b"), "MISS from the second");
  await program.stored("/b");

  await program.reload({ ...other, cache: { timeout: "0s", "max-object-size": 3 } });
  assertEquals(await ask(program, "/b"), "BYPASS from the second");

  await program.reload({ ...other, cache: { offline: true } });
  assertEquals(await ask(program, "/none"), "504");
  assertEquals(first.seen.length, 1);
});

Deno.test("a SIGHUP that comes during the start is answered after it", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using folder = await tempDir();
  // What a crash has left is removed before the program listens: that takes a while.
  const partial = join(folder.path, "data/.cache-proxy/partial");
  await Deno.mkdir(partial, { recursive: true });
  for (let at = 0; at < 3000; at++) Deno.writeTextFileSync(join(partial, `temp.${at}`), "");
  await using program = await ProgramUnderTest.spawn({
    config: { upstream: [{ server: origin.url }] },
    dataDir: join(folder.path, "data"),
  });
  while ([...Deno.readDirSync(partial)].length === 3000) {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
  program.kill("SIGHUP");
  await program.listening();
  await program.reloaded(1);
});

Deno.test("the log level follows the file, unless a flag says it", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const at = (level: string) => ({ upstream: [{ server: origin.url }], log: { level } });
  for (const args of [[], ["--log-level", "info"]]) {
    await using program = await ProgramUnderTest.start({ config: at("info"), args });
    await Deno.writeTextFile(program.configFile, program.configText(at("error")));
    program.kill("SIGHUP");
    // Whether it was applied cannot be read in a log that is silent.
    const isSilent = args.length === 0;
    if (!isSilent) await program.reloaded(1);
    else while (await isLogged(program)) await program.fetch("/tick").then((it) => it.text());
    await ask(program, "/quiet");
    await Deno.writeTextFile(program.configFile, program.configText(at("info")));
    program.kill("SIGHUP");
    await program.reloaded(isSilent ? 1 : 2);
    await ask(program, "/loud");
    await program.line(({ path }) => path === "/loud");
    assertEquals(program.requests.some(({ path }) => path === "/quiet"), !isSilent);
  }
});

/** Whether a request is in the log by the time that another one should be. */
async function isLogged(program: ProgramUnderTest): Promise<boolean> {
  const before = program.requests.length;
  await ask(program, "/probe");
  // Lines are written after 100 ms at the latest.
  const overdue = AbortSignal.timeout(500);
  while (!overdue.aborted && program.requests.length === before) {
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  return program.requests.length > before;
}

Deno.test("a file with mistakes changes nothing, and all of them are in the log", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config });
  const wrong = { upstream: [{ server: "nonsense" }], cache: { timeout: "1x" }, misk: {} };
  const line = await program.reload(wrong);
  assertEquals([line["level"], line["logger"]], ["ERROR", "cache-proxy.config"]);
  const message = String(line["message"]);
  for (const part of [program.configFile, "upstream[0].server", "cache.timeout", "misk"]) {
    assertStringIncludes(message, part);
  }
  assertStringIncludes(String((await program.reload("upstream: ["))["message"]), "Nothing was");
  await Deno.remove(program.configFile);
  program.kill("SIGHUP");
  assertStringIncludes(String((await program.reloaded(3))["message"]), "there is no such file");
  assertEquals(await ask(program, "/x"), "MISS hello");
  assertEquals(program.stderr, "");
});

Deno.test("keys that take a restart are named each time, the others are applied", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using other = new Origin(fileAnswer("other"));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config });
  const next = {
    upstream: [{ server: other.url }],
    listen: { address: "127.0.0.1", port: 1 },
    storage: { local: { path: "/nowhere" } },
    log: { format: "text" },
  };
  for (const times of [1, 2]) {
    await program.reload(next);
    const lines = program.log.filter(({ message }) => String(message).includes("after a restart"));
    assertEquals(lines.length, times);
    assertEquals(lines.at(-1)?.["level"], "WARN");
    assertEquals(lines.at(-1)?.["keys"], "listen.port, storage.local.path, log.format");
  }
  assertEquals(await ask(program, "/x"), "MISS other");
  await program.stored("/x");
  assertEquals(await Deno.readTextFile(`${program.dataDir}/x`), "other");
});

Deno.test("under load no request fails, a download and kept connections go on", async () => {
  const pieces = [1, 2, 3].map((seed) => randomBytes(PIECE_BYTES, seed));
  const slow = new GatedBody(pieces);
  const answer: Answerer = async (seen, request) => {
    if (seen.target !== "/slow") return await fileAnswer(`file ${seen.target}`)(seen, request);
    return new Response(slow.stream, { headers: { "content-length": `${3 * PIECE_BYTES}` } });
  };
  await using first = new Origin(answer);
  await using second = new Origin(answer);
  const of = ({ url }: Origin, round: number) => ({
    upstream: [{ server: url, "allow-methods": ["POST"] }],
    cache: { timeout: round % 3 === 0 ? "0s" : "1h", "max-size": `${100 + round}MiB` },
    fetch: { "max-fills": 1000 + round },
    log: { level: "info" },
  });
  await using program = await ProgramUnderTest.start({ config: of(first, 0) });
  const download = await program.fetch("/slow");
  const reader = download.bytes();
  using kept = await RawClient.connect(program.port);
  const overKept = async (path: string): Promise<string> => {
    await kept.send(`GET ${path} HTTP/1.1`, "Host: cache");
    let text = "";
    while (!text.endsWith(`file ${path}`)) text += textOf(await kept.receive(1));
    return text;
  };
  assertStringIncludes(await overKept("/kept-0"), "HTTP/1.1 200 ");

  let isOver = false;
  const done = new Counter();
  const failures: string[] = [];
  const client = async (id: number): Promise<void> => {
    for (let at = 0; !isOver; at++) {
      const path = `/${id % 50}/${at % 7}`;
      const method = id % 10 === 0 ? "POST" : "GET";
      try {
        const response = await program.fetch(path, { method });
        const text = await response.text();
        if (text !== `file ${path}`) failures.push(`${path}: ${response.status} ${text}`);
      } catch (error) {
        failures.push(`${path}: ${error}`);
      }
      done.up();
    }
  };
  const clients = Array.from({ length: 300 }, (_, id) => client(id));
  for (let round = 1; round <= 8; round++) {
    await done.reaches(done.count + 100);
    const line = await program.reload(of(round % 2 === 0 ? first : second, round));
    assertStringIncludes(String(line["message"]), "Applied");
    assertStringIncludes(await overKept(`/kept-${round}`), "HTTP/1.1 200 ");
  }
  isOver = true;
  await Promise.all(clients);
  assertEquals(failures, []);
  slow.release();
  slow.release();
  assertSameBytes(await reader, new Uint8Array(await new Blob(pieces).arrayBuffer()));
  assertEquals(program.requests.filter(({ status }) => status !== 200), []);
  assert(first.seen.length > 0 && second.seen.length > 0);
  assertEquals(program.stderr, "");
});

const CAN_COUNT = Deno.build.os === "linux";

Deno.test({
  name: "many reloads leave neither connections nor files nor memory behind",
  ignore: !CAN_COUNT,
}, async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const upstream = [1, 2, 3].map((at) => ({ server: origin.url, name: `mirror-${at}` }));
  const config = { upstream };
  await using program = await ProgramUnderTest.start({ config });
  const rounds = async (count: number): Promise<{ files: number; memory: number }> => {
    for (let round = 0; round < count; round++) {
      await program.reload(config);
      assertStringIncludes(await ask(program, `/${crypto.randomUUID()}`), "MISS");
    }
    return { files: await openFiles(program.pid), memory: await residentBytes(program.pid) };
  };
  const early = await rounds(50);
  const late = await rounds(100);
  assertLess(late.files, early.files + 10);
  assertLess(late.memory, early.memory + 60 * 1024 * 1024);
});

/** How many files and connections a process has open. */
async function openFiles(pid: number): Promise<number> {
  return (await output("ls", `/proc/${pid}/fd`)).split("\n").length;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await output("cat", `/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function output(program: string, ...args: string[]): Promise<string> {
  // By way of another program, since deno itself lets nobody read there who may not do everything.
  const { stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

async function ask(program: ProgramUnderTest, path: string): Promise<string> {
  const response = await program.fetch(path);
  const text = await response.text();
  return response.ok ? `${response.headers.get("x-cache")} ${text}` : `${response.status}`;
}
