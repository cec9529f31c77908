import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { rawRequest } from "../support/raw_request.ts";
import { tempDir } from "../support/temp_dir.ts";

const SECRET = "what nobody may read";
const FILE = "what the mirror has";

/** Request targets, one character for each byte. Those that are `refused` never reach a mirror. */
const TARGETS: readonly (readonly [kind: string, refused: boolean, target: string])[] = [
  ["plain", true, "/../secret.txt"],
  ["plain, deeper", true, "/debian/../../secret.txt"],
  ["plain, many", true, "/" + "../".repeat(60) + "etc/hostname"],
  ["plain, at the end", true, "/debian/.."],
  ["one dot", true, "/./.cache-proxy/index.db"],
  ["without a slash", true, "../secret.txt"],
  ["dots and a slash too many", true, "//../secret.txt"],
  ["in front of a query", true, "/../secret.txt?a=b"],
  ["encoded dots", true, "/%2e%2e/secret.txt"],
  ["encoded dots, mixed", true, "/.%2E/secret.txt"],
  ["encoded slash", true, "/..%2fsecret.txt"],
  ["encoded slash within", true, "/debian%2F..%2F..%2Fsecret.txt"],
  ["all encoded", true, "/%2e%2e%2fsecret.txt"],
  ["encoded twice", true, "/%252e%252e%252fsecret.txt"],
  ["encoded three times", true, "/%25252e%25252e%25252fsecret.txt"],
  ["backslash", true, "/..\\secret.txt"],
  ["encoded backslash", true, "/..%5csecret.txt"],
  ["backslash encoded twice", true, "/..%255csecret.txt"],
  ["drive", true, "/C:\\secret.txt"],
  ["NUL", true, "/file\0.deb"],
  ["encoded NUL", true, "/../secret.txt%00.deb"],
  ["encoded NUL without dots", true, "/file%00.deb"],
  ["NUL encoded twice", true, "/file%2500.deb"],
  ["NUL in the query", true, "/file?a=%00"],
  ["encoded line break", true, "/file%0d%0aX-Evil:%201"],
  ["DEL", true, "/file\x7f"],
  ["bad escape", true, "/%zz/secret.txt"],
  ["cut escape", true, "/file%2"],
  ["escape of another kind", true, "/%u002e%u002e/secret.txt"],
  ["absolute form, own host, dots", true, "http://127.0.0.1/../secret.txt"],
  ["absolute form, own host, encoded dots", true, "http://localhost/%2e%2e/secret.txt"],
  ["absolute form, another host", true, "http://other.example/file"],
  ["absolute form, another host with dots", true, "http://other.example/../secret.txt"],
  ["absolute form, user and password", true, "http://user:pass@127.0.0.1/file"],
  ["absolute form, ftp", true, "ftp://127.0.0.1/file"],
  ["authority form", true, "127.0.0.1:80"],
  ["asterisk form", true, "*"],
  ["fragment", true, "/file#/../secret.txt"],
  ["over-long path", true, "/" + "a".repeat(8192)],
  ["over-long path of dots", true, "/" + "../".repeat(3000)],
  ["over-long path of escapes", true, "/" + "%2e%2e%2f".repeat(1000)],
  ["over-long query", true, "/file?" + "a".repeat(9000)],
  ["head beyond every bound", true, "/" + "a".repeat(100_000)],
  ["overlong UTF-8 dots", true, "/%c0%ae%c0%ae/secret.txt"],
  ["overlong UTF-8 slash", true, "/..%c0%afsecret.txt"],
  ["overlong UTF-8, three bytes", true, "/%e0%80%ae%e0%80%ae/secret.txt"],
  ["absolute form, no authority", true, "file:///etc/hostname"],
  // Nothing of these leads anywhere, for us. A mirror is asked, and does not know them.
  ["wide dots", false, "/%ef%bc%8e%ef%bc%8e/secret.txt"],
  ["dots and a semicolon", false, "/..;/secret.txt"],
  ["three dots", false, "/.../secret.txt"],
  ["empty segments", false, "//etc/hostname"],
  ["a name of 300 bytes", false, "/" + "a".repeat(300)],
  ["2000 folders", false, "/" + "a/".repeat(2000)],
  ["our folder", false, "/.cache-proxy"],
  ["our folder as a folder", false, "/.cache-proxy/"],
  ["our index", false, "/.cache-proxy/index.db"],
  ["our index, encoded", false, "/%2Ecache-proxy%2Findex.db"],
  ["our index behind a second slash", false, "//.cache-proxy/index.db"],
  ["our index with slashes", false, "/.cache-proxy//index.db"],
  ["our index with a query", false, "/.cache-proxy/index.db?a=b"],
  ["our lock", false, "/.cache-proxy/lock"],
  ["our index in capitals", false, "/.CACHE-PROXY/INDEX.DB"],
];

Deno.test("no request target leads out of the data directory or into our own folder", async () => {
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  await Deno.writeTextFile(join(folder.path, "secret.txt"), SECRET);
  await using origin = new Origin(({ target }) =>
    target === "/file?stored" ? new Response(FILE) : new Response("none", { status: 404 })
  );
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config, dataDir });
  // So that the folder for what a tree cannot hold has something to be read.
  assertEquals(await (await program.fetch("/file?stored")).text(), FILE);
  await program.stored("/file?stored");
  const [overflow = ""] = await filesBelow(join(dataDir, ".cache-proxy/overflow"));
  assertEquals(await Deno.readTextFile(overflow), FILE);
  const ours = ["our overflow", false, overflow.slice(dataDir.length)] as const;
  const before = await listing(folder.path);

  for (const [kind, refused, target] of [...TARGETS, ours]) {
    const asked = origin.seen.length;
    const head = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const { status, body } = await rawRequest(program.port, head);
    assert(status >= 400 && status < 500, `${kind}: status ${status}`);
    for (const text of [SECRET, FILE, "SQLite format 3"]) {
      assertEquals(body.includes(text), false, kind);
    }
    assertEquals(origin.seen.length - asked, refused ? 0 : 1, `${kind}: requests to the mirror`);
  }
  assertEquals(await listing(folder.path), before, "nothing was written");
});

Deno.test("what a mirror has under the name of our folder never touches our folder", async () => {
  await using origin = new Origin(({ target }) => new Response(`mirror's ${target}`));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config });
  for (const name of ["index.db", "lock", "partial/x", "overflow/x"]) {
    const path = `/.cache-proxy/${name}`;
    for (const result of ["MISS", "HIT"]) {
      const response = await program.fetch(path);
      assertEquals([response.headers.get("x-cache"), await response.text()], [
        result,
        `mirror's ${path}`,
      ]);
      await program.stored(path);
    }
  }
  const own = join(program.dataDir, ".cache-proxy");
  const index = new TextDecoder().decode((await Deno.readFile(join(own, "index.db"))).slice(0, 15));
  assertEquals(index, "SQLite format 3");
  assertEquals((await Deno.stat(join(own, "lock"))).size, 0);
  assertEquals([...Deno.readDirSync(join(own, "partial"))], []);
});

Deno.test("a refused request says why, in a line of plain text", async () => {
  const config = { upstream: [{ server: "http://127.0.0.1:1" }] };
  await using program = await ProgramUnderTest.start({ config });
  const rows = [
    ["/a/..%2Fb", 400, 'segment "." or ".."'],
    ["/a%5Cb", 400, "backslash"],
    ["/a%00b", 400, "control character"],
    ["/a%", 400, "bad percent escape"],
    ["/" + "a".repeat(8192), 414, "more than 8192 bytes"],
    ["http://other.example/a", 403, "no upstream is there, forward.allow does not list it"],
  ] as const;
  for (const [target, status, reason] of rows) {
    const request = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const answer = await rawRequest(program.port, request);
    assertEquals(answer.status, status, target);
    assertStringIncludes(answer.body, reason);
    assertStringIncludes(answer.head.toLowerCase(), "content-type: text/plain");
    assertEquals(answer.body.trimEnd().split("\n").length, 1);
  }
});

/** Names, kinds, sizes and times of all that is below a folder, but for the index's own files. */
async function listing(folder: string): Promise<string[]> {
  const lines: string[] = [];
  for (const path of [folder, ...await pathsBelow(folder)]) {
    if (/\/\.cache-proxy\/index\.db(-wal|-shm)?$/.test(path)) continue;
    const { isFile, isDirectory, isSymlink, size, mtime } = await Deno.lstat(path);
    const kind = { isFile, isDirectory, isSymlink };
    // The folder that holds the index changes with the index's own files.
    const time = path.endsWith("/.cache-proxy") ? null : mtime?.getTime();
    lines.push(JSON.stringify([path, kind, isFile ? size : null, time]));
  }
  return lines.sort();
}

async function filesBelow(folder: string): Promise<string[]> {
  const paths = await pathsBelow(folder);
  return paths.filter((path) => Deno.lstatSync(path).isFile);
}

async function pathsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    paths.push(path);
    if (isDirectory) paths.push(...await pathsBelow(path));
  }
  return paths;
}
