import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

/** Three mirrors, each with a file of its own under every name. */
class Mirrors implements AsyncDisposable {
  readonly #origins = [0, 1, 2].map((at) => new Origin(fileAnswer(`mirror ${at}`)));

  config(at: number): { upstream: { server: string | undefined }[] } {
    return { upstream: [{ server: this.#origins[at]?.url }] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const origin of this.#origins) await origin[Symbol.asyncDispose]();
  }
}

/** How somebody changes the file; `text` is the new one, `at` counts the changes. */
type Change = (file: string, text: string, at: number) => Promise<void>;

const inPlace: Change = (file, text) => Deno.writeTextFile(file, text);

const byRename: Change = async (file, text) => {
  await Deno.writeTextFile(`${file}.new`, text);
  await Deno.rename(`${file}.new`, file);
};

const removedAndMade: Change = async (file, text) => {
  await Deno.remove(file);
  await Deno.writeTextFile(file, text);
};

/** As Kubernetes does: the file is a link through a link to a folder, and that link is replaced. */
const bySwap: Change = async (file, text, at) => {
  const folder = join(file, "..");
  await Deno.mkdir(join(folder, `..${at}`));
  await Deno.writeTextFile(join(folder, `..${at}`, "config.yaml"), text);
  await Deno.symlink(`..${at}`, join(folder, "..data_tmp"));
  await Deno.rename(join(folder, "..data_tmp"), join(folder, "..data"));
  if (at > 0) await Deno.remove(join(folder, `..${at - 1}`), { recursive: true });
};

/** The link stays, what it leads to is written. */
const behindLink: Change = (file, text) =>
  Deno.writeTextFile(join(file, "../../elsewhere/real.yaml"), text);

const CHANGES: [name: string, change: Change, prepare: (folder: string) => Promise<void>][] = [
  ["written in place", inPlace, () => Promise.resolve()],
  ["replaced by a rename", byRename, () => Promise.resolve()],
  ["removed and made again", removedAndMade, () => Promise.resolve()],
  ["reached through a link that is swapped", bySwap, async (folder) => {
    await bySwap(join(folder, "config.yaml"), "", 0);
    await Deno.symlink("..data/config.yaml", join(folder, "config.yaml"));
  }],
  ["written behind a link", behindLink, async (folder) => {
    await Deno.mkdir(join(folder, "../elsewhere"));
    await Deno.writeTextFile(join(folder, "../elsewhere/real.yaml"), "");
    await Deno.symlink("../elsewhere/real.yaml", join(folder, "config.yaml"));
  }],
];

for (const [name, change, prepare] of CHANGES) {
  Deno.test(`--watch-config applies a file that is ${name}, again and again`, async () => {
    await using parent = await tempDir();
    const folder = join(parent.path, "etc");
    await Deno.mkdir(folder);
    await prepare(folder);
    await using mirrors = new Mirrors();
    await using program = await ProgramUnderTest.start({
      config: mirrors.config(0),
      configFile: join(folder, "config.yaml"),
      args: ["--watch-config"],
    });
    assertEquals(await ask(program, "/0"), "mirror 0");
    for (const at of [1, 2, 3]) {
      await change(program.configFile, program.configText(mirrors.config(at % 3)), at);
      assertStringIncludes(String((await program.reloaded(at))["message"]), "Applied");
      assertEquals(await ask(program, `/${at}`), `mirror ${at % 3}`);
    }
    assertEquals(program.stderr, "");
  });
}

Deno.test("a bad change is told once, the next good one is applied", async () => {
  await using mirrors = new Mirrors();
  const config = mirrors.config(0);
  const args = ["--watch-config"];
  await using program = await ProgramUnderTest.start({ config, args });
  await Deno.writeTextFile(program.configFile, "upstream: []\nmisk: 1\n");
  const bad = String((await program.reloaded(1))["message"]);
  for (const part of ["Nothing was changed", "upstream", "misk"]) assertStringIncludes(bad, part);
  assertEquals(await ask(program, "/x"), "mirror 0");
  await Deno.writeTextFile(program.configFile, program.configText(mirrors.config(1)));
  assertStringIncludes(String((await program.reloaded(2))["message"]), "Applied");
  assertEquals(await ask(program, "/y"), "mirror 1");
  // SIGHUP works besides, and a file that was only touched is no news.
  await Deno.utime(program.configFile, new Date(), new Date());
  program.kill("SIGHUP");
  await program.reloaded(3);
  await Deno.writeTextFile(program.configFile, program.configText(mirrors.config(2)));
  await program.reloaded(4);
  assertEquals(await ask(program, "/z"), "mirror 2");
});

async function ask(program: ProgramUnderTest, path: string): Promise<string> {
  return await (await program.fetch(path)).text();
}
