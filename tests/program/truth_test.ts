import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

const PATHS = [
  ...Array.from({ length: 40 }, (_, n) => `/pool/${n % 4}/file-${n}.deb`),
  "/a%20b/%C3%A9",
  "/query?a=b",
  "/folder/",
  "/encoded",
];

/** What becomes of the index under the running server. */
const DAMAGES: Record<string, (path: string) => void> = {
  "deleted": (path) => Deno.removeSync(path),
  "cut to nothing": (path) => Deno.truncateSync(path),
  "cut in the middle": (path) => Deno.truncateSync(path, Deno.statSync(path).size / 2),
  "filled with noise": (path) => {
    const { size } = Deno.statSync(path);
    using file = Deno.openSync(path, { write: true });
    for (let done = 0; done < size;) {
      const noise = crypto.getRandomValues(new Uint8Array(Math.min(size - done, 65_536)));
      done += file.writeSync(noise);
    }
  },
};

function startOrigin(): Origin {
  return new Origin(({ target }) => {
    const headers = { "last-modified": "Sat, 07 Jun 2025 08:09:10 GMT", etag: `"${target}"` };
    const encoded = target === "/encoded" ? { "content-encoding": "x-test" } : {};
    return new Response(`mirror's ${target}`, { headers: { ...headers, ...encoded } });
  });
}

async function fillAll(program: ProgramUnderTest): Promise<void> {
  for (const path of PATHS) {
    await assertAnswer(program, path, "MISS", `mirror's ${path}`);
    await program.stored(path);
  }
}

async function assertAnswer(
  program: ProgramUnderTest,
  path: string,
  cache: string,
  text: string,
): Promise<void> {
  const response = await program.fetch(path);
  const actual = [response.headers.get("x-cache"), await response.text()];
  assertEquals(actual, [cache, text], path);
  const isEncoded = path === "/encoded";
  assertEquals(response.headers.get("content-encoding"), isEncoded ? "x-test" : null);
}

async function assertAllHits(program: ProgramUnderTest): Promise<void> {
  for (const path of PATHS) await assertAnswer(program, path, "HIT", `mirror's ${path}`);
}

/** The line that a pass ends with. */
function passEnd(program: ProgramUnderTest): Promise<Readonly<Record<string, unknown>>> {
  return program.line(({ message }) => String(message).startsWith("Index and tree agree"));
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`an index that is ${name} under the running server loses nothing`, async () => {
    await using folder = await tempDir();
    await using origin = startOrigin();
    const options = { config: { upstream: [{ server: origin.url }] }, dataDir: folder.path };
    {
      await using program = await ProgramUnderTest.start(options);
      await passEnd(program);
      await fillAll(program);
      for (const file of ["index.db", "index.db-wal", "index.db-shm"]) {
        const path = join(folder.path, ".cache-proxy", file);
        try {
          damage(path);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
      await assertAllHits(program);
      await assertAnswer(program, "/new", "MISS", "mirror's /new");
      await program.stored("/new");
      await assertAnswer(program, "/new", "HIT", "mirror's /new");
      program.kill("SIGTERM");
      assertEquals((await program.ended).code, 0);
    }
    const asked = origin.seen.length;
    await using program = await ProgramUnderTest.start(options);
    await passEnd(program);
    await assertAllHits(program);
    await assertAnswer(program, "/new", "HIT", "mirror's /new");
    assertEquals(origin.seen.length, asked);
  });
}

Deno.test("files that are deleted, edited and added under the running server are seen as they are", async () => {
  await using folder = await tempDir();
  await using origin = startOrigin();
  const options = { config: { upstream: [{ server: origin.url }] }, dataDir: folder.path };
  const [deleted = "", edited = "", linked = ""] = PATHS;
  {
    await using program = await ProgramUnderTest.start(options);
    await fillAll(program);
    await Deno.remove(join(folder.path, deleted));
    await Deno.writeTextFile(join(folder.path, edited), "edited by hand");
    await Deno.writeTextFile(join(folder.path, "added"), "added by hand");
    await Deno.remove(join(folder.path, linked));
    await Deno.symlink("/etc/hostname", join(folder.path, linked));
    await assertAnswer(program, deleted, "MISS", `mirror's ${deleted}`);
    await program.stored(deleted);
    await assertAnswer(program, edited, "HIT", "edited by hand");
    await assertAnswer(program, "/added", "HIT", "added by hand");
    await assertAnswer(program, linked, "MISS", `mirror's ${linked}`);
    program.kill("SIGTERM");
    await program.ended;
  }
  const asked = origin.seen.length;
  await using program = await ProgramUnderTest.start(options);
  await assertAnswer(program, edited, "HIT", "edited by hand");
  await assertAnswer(program, "/added", "HIT", "added by hand");
  for (const path of PATHS) {
    if (path !== edited) await assertAnswer(program, path, "HIT", `mirror's ${path}`);
  }
  assertEquals(origin.seen.length, asked);
});

Deno.test("what was done to the files while nobody looked is found by the pass at the start", async () => {
  await using folder = await tempDir();
  await using origin = startOrigin();
  const options = { config: { upstream: [{ server: origin.url }] }, dataDir: folder.path };
  const [deleted = "", edited = ""] = PATHS;
  {
    await using program = await ProgramUnderTest.start(options);
    await fillAll(program);
    program.kill("SIGKILL");
    await program.ended;
  }
  await Deno.remove(join(folder.path, deleted));
  await Deno.writeTextFile(join(folder.path, edited), "edited by hand");
  await Deno.writeTextFile(join(folder.path, "added"), "added by hand");
  const orphan = join(folder.path, ".cache-proxy/overflow/ab", "ab".repeat(32));
  await Deno.mkdir(join(folder.path, ".cache-proxy/overflow/ab"), { recursive: true });
  await Deno.writeTextFile(orphan, "nobody's");
  await using program = await ProgramUnderTest.start(options);
  const { dropped, adopted, changed, orphans, failed } = await passEnd(program);
  assertEquals({ dropped, adopted, changed, orphans, failed }, {
    dropped: 1,
    adopted: 1,
    changed: 1,
    orphans: 1,
    failed: 0,
  });
  assertEquals(await Deno.stat(orphan).catch(() => null), null);
  await assertAnswer(program, "/added", "HIT", "added by hand");
  assertMatch(program.stderr, /^$/);
});
