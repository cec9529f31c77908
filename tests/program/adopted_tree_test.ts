import { assertEquals, assertMatch } from "@std/assert";
import { dirname, join } from "@std/path";
import { Origin, type SeenRequest } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

/** What the other tool has put there: the file's name on disk, and the path that asks for it. */
const FILES = [
  [
    "debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
    "/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
  ],
  ["debian/pool/libstdc++6_12.2.0-14+deb12u1.deb", "/debian/pool/libstdc++6_12.2.0-14+deb12u1.deb"],
  ["iso/Disk 1 of 2.iso", "/iso/Disk%201%20of%202.iso"],
  ["docs/Überblick – 日本.txt", "/docs/%C3%9Cberblick%20%E2%80%93%20%E6%97%A5%E6%9C%AC.txt"],
  ["odd/100%25 & more~1:2.tar.gz", "/odd/100%2525%20&%20more~1:2.tar.gz"],
  ["empty", "/empty"],
] as const;

const MODIFIED_AT = Date.UTC(2025, 5, 7, 8, 9, 10);
const LAST_MODIFIED = "Sat, 07 Jun 2025 08:09:10 GMT";

Deno.test("files of another tool are hits without a download, and stay so after a restart", async () => {
  await using folder = await tempDir();
  await fill(folder.path);
  await using origin = new Origin(() => new Response("from the mirror"));
  const options = { config: { upstream: [{ server: origin.url }] }, dataDir: folder.path };
  for (let starts = 0; starts < 2; starts++) {
    await using program = await ProgramUnderTest.start(options);
    for (const [file, path] of FILES) {
      const response = await program.fetch(path);
      const { headers } = response;
      assertEquals(await response.text(), contentOf(file), path);
      assertEquals(headers.get("x-cache"), "HIT", path);
      assertEquals(headers.get("last-modified"), LAST_MODIFIED);
      assertEquals(headers.get("etag"), null);
    }
    const known = await program.fetch(FILES[0][1], {
      headers: { "if-modified-since": LAST_MODIFIED },
    });
    assertEquals([known.status, await known.text()], [304, ""]);
    assertEquals(await range(program, FILES[0][1], "bytes=0-3"), "byte");
  }
  assertEquals(origin.seen, []);
});

Deno.test("files of another tool are revalidated by their times of modification", async () => {
  await using folder = await tempDir();
  await fill(folder.path);
  const changed = "/iso/Disk%201%20of%202.iso";
  await using origin = new Origin(({ target, headers }: SeenRequest) => {
    assertEquals(headers.get("if-none-match"), null);
    if (headers.get("if-modified-since") !== LAST_MODIFIED) return new Response("not asked right");
    if (target !== changed) return new Response(null, { status: 304 });
    const later = new Date(MODIFIED_AT + 1000).toUTCString();
    return new Response("changed", { headers: { "last-modified": later } });
  });
  const config = { upstream: [{ server: origin.url }], cache: { timeout: "0s" } };
  await using program = await ProgramUnderTest.start({ config, dataDir: folder.path });
  for (const [file, path] of FILES) {
    const response = await program.fetch(path);
    const expected = path === changed ? ["MISS", "changed"] : ["REVALIDATED", contentOf(file)];
    assertEquals([response.headers.get("x-cache"), await response.text()], expected, path);
  }
  await program.stored(changed);
  assertEquals(await Deno.readTextFile(join(folder.path, "iso/Disk 1 of 2.iso")), "changed");
  const { mtime } = await Deno.stat(join(folder.path, "iso/Disk 1 of 2.iso"));
  assertEquals(mtime?.getTime(), MODIFIED_AT + 1000);
  assertEquals(origin.seen.map(({ target }) => target), FILES.map(([, path]) => path));
});

Deno.test("a mirror whose copy is older than the other tool's does not replace it", async () => {
  await using folder = await tempDir();
  await fill(folder.path);
  await using origin = new Origin(() => {
    const earlier = new Date(MODIFIED_AT - 1000).toUTCString();
    return new Response("older", { headers: { "last-modified": earlier } });
  });
  const config = { upstream: [{ server: origin.url }], cache: { timeout: "0s" } };
  await using program = await ProgramUnderTest.start({ config, dataDir: folder.path });
  const [file, path] = FILES[0];
  const response = await program.fetch(path);
  assertEquals([response.headers.get("x-cache"), await response.text()], [
    "REVALIDATED",
    contentOf(file),
  ]);
});

Deno.test("a file that the other tool replaces while the program runs is served as it is now", async () => {
  await using folder = await tempDir();
  await fill(folder.path);
  await using origin = new Origin(() => new Response("from the mirror"));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config, dataDir: folder.path });
  const [file, path] = FILES[0];
  assertEquals(await (await program.fetch(path)).text(), contentOf(file));
  // As rsync does it: beside it, then in its place.
  const place = join(folder.path, file);
  await Deno.writeTextFile(`${place}.new`, "the new content");
  await Deno.utime(`${place}.new`, MODIFIED_AT / 1000 + 60, MODIFIED_AT / 1000 + 60);
  await Deno.rename(`${place}.new`, place);
  const response = await program.fetch(path);
  assertEquals([response.headers.get("x-cache"), await response.text()], [
    "HIT",
    "the new content",
  ]);
  assertEquals(response.headers.get("last-modified"), "Sat, 07 Jun 2025 08:10:10 GMT");
  assertEquals(origin.seen, []);
});

Deno.test("links that lead out of the data directory are neither read nor written through", async () => {
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const outside = join(folder.path, "outside");
  await fill(dataDir);
  await Deno.mkdir(outside);
  await Deno.writeTextFile(join(outside, "secret.txt"), "secret");
  await Deno.symlink("../outside/secret.txt", join(dataDir, "link.txt"));
  await Deno.symlink(outside, join(dataDir, "folder"));
  await Deno.symlink("debian/pool", join(dataDir, "inside"));
  await using origin = new Origin(({ target }) => new Response(`mirror's ${target}`));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config, dataDir });
  for (const path of ["/link.txt", "/folder/secret.txt", "/folder/new.txt", "/folder/a/b.txt"]) {
    const response = await program.fetch(path);
    assertEquals(await response.text(), `mirror's ${path}`);
    await program.stored(path);
    const again = await program.fetch(path);
    assertEquals([again.headers.get("x-cache"), await again.text()], ["HIT", `mirror's ${path}`]);
  }
  const names = await Array.fromAsync(Deno.readDir(outside), ({ name }) => name);
  assertEquals(names, ["secret.txt"]);
  assertEquals(await Deno.readTextFile(join(outside, "secret.txt")), "secret");
  // A link that stays inside is followed.
  const [file] = FILES[1];
  const inside = await program.fetch(`/inside/${file.slice("debian/pool/".length)}`);
  assertEquals([inside.headers.get("x-cache"), await inside.text()], ["HIT", contentOf(file)]);
});

Deno.test("a folder is no file: the mirror is asked, and what it has finds its place", async () => {
  await using folder = await tempDir();
  await fill(folder.path);
  await using origin = new Origin(({ target }) => new Response(`mirror's ${target}`));
  const config = { upstream: [{ server: origin.url }] };
  await using program = await ProgramUnderTest.start({ config, dataDir: folder.path });
  for (const path of ["/debian", "/debian/", "/empty/file-below-a-file"]) {
    assertEquals(await (await program.fetch(path)).text(), `mirror's ${path}`);
    await program.stored(path);
    assertMatch((await program.fetch(path)).headers.get("x-cache") ?? "", /^HIT$/);
  }
  assertEquals(await (await program.fetch("/empty")).text(), "");
});

function contentOf(file: string): string {
  return file === "empty" ? "" : `bytes of ${file}`;
}

async function fill(dataDir: string): Promise<void> {
  for (const [file] of FILES) {
    const path = join(dataDir, file);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, contentOf(file));
    await Deno.utime(path, MODIFIED_AT / 1000, MODIFIED_AT / 1000);
  }
}

async function range(program: ProgramUnderTest, path: string, value: string): Promise<string> {
  const response = await program.fetch(path, { headers: { range: value } });
  assertEquals(response.status, 206);
  return await response.text();
}
