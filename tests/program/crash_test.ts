import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Buffer } from "node:buffer";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { Random } from "../support/random.ts";
import { tempDir } from "../support/temp_dir.ts";
import { ChangingMirror } from "./changing_mirror.ts";

const ROUNDS = 20;

/** More events of the file system than one round of fills has. */
const MAX_EVENTS = 60;
/** And than one start has. */
const MAX_START_EVENTS = 8;

Deno.test("kill -9 at random moments: no wrong byte is served, nothing unfinished is left", async () => {
  const seed = Number(Deno.env.get("SEED") ?? Date.now() % 2 ** 32);
  say(`SEED=${seed} repeats what the mirror has and when it kills`);
  await using folder = await tempDir();
  await using mirror = new ChangingMirror(seed);
  const random = new Random(seed);
  const tally: Tally = { whole: 0, brokenOff: 0, unfinished: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    if (random.below(3) === 0) await killDuringStart(folder.path, mirror, random);
    await using program = await start(folder.path, mirror);
    await assertAllRight(program, mirror);
    mirror.advance(random);
    await killDuringFills(program, mirror, random, tally);
    await assertTreeRight(folder.path, mirror);
  }
  await using program = await start(folder.path, mirror);
  await assertAllRight(program, mirror);
  say(`${ROUNDS} kills of fills: ${JSON.stringify(tally)}`);
  // Were there none of these, the kills would have come at dull moments.
  assert(tally.whole > 0 && tally.brokenOff > 0 && tally.unfinished > 0);
});

/** What the kills hit. */
interface Tally {
  /** Answers that had arrived, or arrived all the same. */
  whole: number;
  /** Answers that clients saw end too early, or never begin. */
  brokenOff: number;
  /** Unfinished files that were there when the process had gone. */
  unfinished: number;
}

function optionsFor(dataDir: string, mirror: ChangingMirror) {
  const policies = [{ match: "^/fixed/", "refresh-after": "never" }];
  const config = { upstream: [{ server: mirror.url }], cache: { timeout: "0s", policies } };
  return { config, dataDir };
}

/** Starts the program; as soon as it listens, nothing unfinished may be there. */
async function start(dataDir: string, mirror: ChangingMirror): Promise<ProgramUnderTest> {
  const program = await ProgramUnderTest.start(optionsFor(dataDir, mirror));
  const partial = join(dataDir, ".cache-proxy/partial");
  assertEquals([...Deno.readDirSync(partial)], []);
  return program;
}

async function killDuringStart(
  dataDir: string,
  mirror: ChangingMirror,
  random: Random,
): Promise<void> {
  await using events = new FileEvents(dataDir);
  await using program = await ProgramUnderTest.spawn(optionsFor(dataDir, mirror));
  const moment = events.reach(1 + random.below(MAX_START_EVENTS));
  await Promise.race([moment, program.listening()]);
  program.kill("SIGKILL");
  await program.ended;
}

/** Asks for everything at once, kills in the middle of it, and looks at what clients have got. */
async function killDuringFills(
  program: ProgramUnderTest,
  mirror: ChangingMirror,
  random: Random,
  tally: Tally,
): Promise<void> {
  await using events = new FileEvents(program.dataDir);
  const total = mirror.paths.reduce((sum, path) => sum + mirror.current(path).byteLength, 0);
  const moment = random.below(2) === 0
    ? events.reach(1 + random.below(MAX_EVENTS))
    : reachSent(mirror, random.below(total));
  const clients = mirror.paths.flatMap((path) => [
    client(program, mirror, path, null),
    client(program, mirror, path, random.below(mirror.current(path).byteLength || 1)),
  ]);
  const all = Promise.all(clients);
  await Promise.race([moment, all]);
  program.kill("SIGKILL");
  const results = await all;
  assertEquals(results.filter((result) => result.startsWith("wrong")), []);
  await program.ended;
  for (const result of results) result === "right" ? tally.whole++ : tally.brokenOff++;
  const partial = join(program.dataDir, ".cache-proxy/partial");
  tally.unfinished += [...Deno.readDirSync(partial)].length;
}

/** Resolves when the mirror has sent so many bytes in this round. */
function reachSent(mirror: ChangingMirror, bytes: number): Promise<void> {
  const reached = Promise.withResolvers<void>();
  mirror.onSent = () => {
    if (mirror.sent >= bytes) reached.resolve();
  };
  return reached.promise;
}

/** How one request for a file went: `right`, `broken off`, or how it was wrong. */
async function client(
  program: ProgramUnderTest,
  mirror: ChangingMirror,
  path: string,
  from: number | null,
): Promise<string> {
  const headers: HeadersInit = from === null ? {} : { range: `bytes=${from}-` };
  const content = mirror.current(path);
  try {
    const response = await program.fetch(path, { headers });
    const bytes = await response.bytes();
    if (response.status === 416 && content.byteLength === 0) return "right";
    const expected = response.status === 206 ? content.subarray(from ?? 0) : content;
    if (![200, 206].includes(response.status)) return `wrong status ${response.status} of ${path}`;
    const same = Buffer.compare(expected, bytes) === 0;
    return same ? "right" : `wrong bytes of ${path} from ${from}: ${bytes.byteLength}`;
  } catch {
    return "broken off";
  }
}

/** Everything can be had, from its first byte and from the middle, twice. */
async function assertAllRight(program: ProgramUnderTest, mirror: ChangingMirror): Promise<void> {
  for (const hit of [false, true]) {
    await Promise.all(mirror.paths.map(async (path) => {
      const content = mirror.current(path);
      const response = await program.fetch(path);
      const bytes = await response.bytes();
      const cache = response.headers.get("x-cache") ?? "";
      assertEquals(response.status, 200, path);
      assert(Buffer.compare(content, bytes) === 0, `${path} ${cache} ${bytes.byteLength}`);
      // JOINED: its last byte has been sent and it is about to be published.
      if (hit) assert(["HIT", "REVALIDATED", "JOINED"].includes(cache), `${path} ${cache}`);
      const middle = Math.floor(content.byteLength / 2);
      assertEquals(await client(program, mirror, path, middle), "right");
    }));
  }
}

/** What stands in the tree, at whatever moment, is a whole file. */
async function assertTreeRight(dataDir: string, mirror: ChangingMirror): Promise<void> {
  for (const folder of ["fixed", "moving"]) {
    const names = await Array.fromAsync(readFolder(join(dataDir, folder)));
    for (const name of names) {
      const bytes = await Deno.readFile(join(dataDir, folder, name));
      assert(mirror.hasEverBeen(`/${folder}/${name}`, bytes), `${folder}/${name} is no version`);
    }
  }
}

async function* readFolder(path: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(path)) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Counts what happens to names below a folder: files that come, go and move. */
class FileEvents implements AsyncDisposable {
  readonly #watcher: Deno.FsWatcher;
  readonly #counting: Promise<void>;
  readonly #reached = Promise.withResolvers<void>();
  #count = 0;
  #wanted = Infinity;

  constructor(folder: string) {
    this.#watcher = Deno.watchFs(folder);
    this.#counting = this.#run();
  }

  /** Resolves when so many events have been seen. */
  reach(count: number): Promise<void> {
    this.#wanted = count;
    return this.#reached.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher.close();
    await this.#counting;
  }

  async #run(): Promise<void> {
    for await (const { kind } of this.#watcher) {
      if (kind === "access" || kind === "modify") continue;
      this.#count++;
      if (this.#count >= this.#wanted) this.#reached.resolve();
    }
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
