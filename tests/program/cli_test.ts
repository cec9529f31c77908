import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer } from "../support/answers.ts";
import { bytesOf } from "../support/body.ts";
import { GatedBody } from "../support/gated_body.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { CliBench, runCli } from "./cli_support.ts";

const MODIFIED = Date.UTC(2024, 0, 1);

/** A mirror that has all but what is called none. */
const answer: Answerer = (seen, raw) =>
  seen.target.includes("none")
    ? new Response("no", { status: 404 })
    : fileAnswer("0123456789", { lastModified: MODIFIED })(seen, raw);

Deno.test("status tells of requests, cache and mirrors, for people and for programs", async () => {
  await using origin = new Origin(answer);
  await using bench = await CliBench.start({ upstream: [{ server: origin.url, name: "toy" }] });
  await bench.fetch("/a/file");
  await (await bench.program.fetch("/a/file")).text();
  await (await bench.program.fetch("/none")).text();

  const { code, stdout, stderr } = await bench.run("status");
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assertMatch(stdout, /^cache-proxy \d+\.\d+\.\d+ on http:\/\/127\.0\.0\.1:\d+: ready, up for \d/);
  assertMatch(stdout, /^Requests +3 \(1 hit, 1 miss, 1 none\)$/m);
  assertMatch(stdout, /^Hit ratio +50\.0 % of requests, /m);
  assertMatch(stdout, /^Cache +4\.0 KiB in 1 file,/m);
  assertMatch(stdout, /^MIRROR +STATE +ASKED +WON +FAILED +HEAD +RATE +RECEIVED +LAST FAILURE$/m);
  assertMatch(stdout, /^toy +good +2 +1 +1 +\d+ ms .*(just now| ago): answered 404$/m);
  // deno-lint-ignore no-control-regex
  assert(!/\x1b/.test(stdout), "nothing is coloured where nobody looks");

  const json = JSON.parse((await bench.run("status", "--json")).stdout);
  assertEquals(json.requests.byResult.HIT, 1);
  assertEquals(json.upstreams[0].name, "toy");
});

Deno.test("status shows a download that is under way, and has exit code 1 when not ready", async () => {
  const body = new GatedBody([bytesOf("0123"), bytesOf("456789")]);
  const headers = { "content-length": "10" };
  await using origin = new Origin(() => new Response(body.stream, { headers }));
  await using bench = await CliBench.start({ upstream: [{ server: origin.url, name: "toy" }] });
  const download = await bench.program.fetch("/slow");
  const { code, stdout } = await bench.run("status");
  assertEquals(code, 0);
  assertMatch(stdout, /^DOWNLOAD +DONE +SIZE +CLIENTS +FROM$/m);
  assertMatch(stdout, /^\/slow +\S+ %? +10 B +\d+ +toy /m);
  body.release();
  await download.text();

  await using offline = await CliBench.start({
    upstream: [{ server: "http://127.0.0.1:1" }],
    cache: { offline: true },
  });
  assertStringIncludes((await offline.run("status")).stdout, ": ready, offline, up for ");

  // Another one: for five seconds the status tells of the disk what it has told before.
  await using ill = await CliBench.start({ upstream: [{ server: "http://127.0.0.1:1" }] });
  await Deno.remove(join(ill.program.dataDir, ".cache-proxy/partial"), { recursive: true });
  await Deno.writeTextFile(join(ill.program.dataDir, ".cache-proxy/partial"), "in the way");
  const broken = await ill.run("status");
  assertEquals(broken.code, 1);
  assertMatch(broken.lines[0] ?? "", /: not ready, up for /);
});

Deno.test("ls shows folders, then what is in them", async () => {
  await using origin = new Origin(answer);
  await using bench = await CliBench.start({ upstream: [{ server: origin.url, name: "toy" }] });
  await bench.fetch("/a/one");
  await bench.fetch("/a/b/two");
  assertEquals((await bench.run("ls")).lines, ["/a/", "", "1 folder"]);

  const folder = await bench.run("ls", "/a");
  assertEquals(folder.code, 0);
  assertMatch(folder.lines[0] ?? "", /^SIZE +STORED +USED +HITS +FRESH FOR +MIRROR +PATH$/);
  assertMatch(folder.stdout, /^ +\/a\/b\/$/m);
  assertMatch(folder.stdout, /^10 B +\S.* +0 +(59 min|1 h) +toy +\/a\/one$/m);
  assertEquals(folder.lines.at(-1), "1 folder, 1 file, 10 B");

  const json = JSON.parse((await bench.run("ls", "/a/", "--json")).stdout);
  assertEquals(json.prefix, "/a/");
  assertEquals(json.items.length, 2);
  assertEquals([json.items[0].folder, json.items[1].path, json.items[1].size], [
    "/a/b/",
    "/a/one",
    10,
  ]);
  const nothing = await bench.run("ls", "/z");
  assertEquals([nothing.code, nothing.stderr], [1, "Nothing is cached below /z\n"]);
});

Deno.test("purge throws out paths and prefixes, and says how many copies", async () => {
  await using origin = new Origin(answer);
  await using bench = await CliBench.start({ upstream: [{ server: origin.url }] });
  for (const path of ["/a/one", "/a/two", "/b/%C3%A9"]) await bench.fetch(path);
  const one = await bench.run("purge", "/a/one", "/missing");
  assertEquals(one.lines, ["Removed 1 copy of /a/one", "Nothing was cached of /missing"]);
  assertEquals(one.code, 0);
  const json = JSON.parse((await bench.run("purge", "/b/%c3%a9", "--json")).stdout);
  assertEquals(json, {
    removed: 1,
    complete: true,
    paths: [{ path: "/b/%c3%a9", removed: 1, complete: true }],
  });
  const prefix = await bench.run("purge", "--prefix", "/a/");
  assertEquals(prefix.lines, ["Removed 1 copy below /a/"]);
  assertEquals(JSON.parse((await bench.run("ls", "--json")).stdout).items, []);
});

Deno.test("prefetch fetches paths and lists, tells of each, and fails when one did", async () => {
  await using origin = new Origin(answer);
  await using bench = await CliBench.start({ upstream: [{ server: origin.url, name: "toy" }] });
  await using folder = await tempDir();
  const list = join(folder.path, "list.txt");
  await Deno.writeTextFile(list, "# for the class\n/b  # a comment\r\n\n/c#d\n/c\n/b\n");
  const bad = await bench.run("prefetch", "-f", list);
  // A number sign within a word is no comment, and no path of a client has one.
  assertEquals(bad.code, 2);
  assertStringIncludes(bad.stderr, `Cannot use path "/c#d"`);

  await Deno.writeTextFile(list, "# for the class\n/b  # a comment\r\n\n/c\n/b\n");
  const first = await bench.run("prefetch", "/a", "-f", list);
  assertEquals({ code: first.code, stderr: first.stderr }, { code: 0, stderr: "" });
  assertEquals(first.lines.toSorted(), [
    "3 files stored, 0 there already",
    "stored        10 B  /a from toy",
    "stored        10 B  /b from toy",
    "stored        10 B  /c from toy",
  ]);
  const again = await bench.run("prefetch", "/a", "/none");
  assertEquals(again.code, 1);
  assertStringIncludes(again.stdout, "failed  /none: toy answered 404\n");
  assertStringIncludes(again.stdout, "there         10 B  /a from toy\n");
  assertStringIncludes(again.stdout, "0 files stored, 1 there already, 1 failed\n");

  const json = await bench.run("prefetch", "/d", "--json");
  const events = json.lines.map((line) => JSON.parse(line));
  assertEquals(events.at(-1), { event: "done", stored: 1, unchanged: 0, failed: 0 });
  const ends = events.filter(({ state }) => state === "done");
  assertEquals(ends.map(({ path, written, size }) => [path, written, size]), [["/d", 10, 10]]);
  assertEquals(origin.count("GET", "/b"), 1);
});

Deno.test("mirrors asks each one now, and tells which is bad", async () => {
  const large = new Uint8Array(3 * 1024 * 1024);
  await using good = new Origin((seen, raw) =>
    seen.target.endsWith("large") ? new Response(large) : answer(seen, raw)
  );
  await using bad = new Origin(() => new Response("no", { status: 503 }));
  await using folder = await tempDir();
  const config = join(folder.path, "config.yaml");
  const lines = [
    "upstream:",
    `  - { server: "${good.url}", name: good, path: { match: ^/deb/, replace: /x/ } }`,
    `  - { server: "${bad.url}/base", name: bad }`,
    `storage: { local: { path: "${folder.path}/data" } }`,
  ];
  await Deno.writeTextFile(config, lines.join("\n"));
  const all = await runCli(["mirrors", "--config", config]);
  assertEquals({ code: all.code, stderr: all.stderr }, { code: 1, stderr: "" });
  assertMatch(all.lines[0] ?? "", /^MIRROR +STATE +STATUS +HEAD +RATE +READ +URL$/);
  assertMatch(all.lines[1] ?? "", /^good +good +200 +\d+ ms +- +10 B +http:\S+\/$/);
  assertMatch(all.lines[2] ?? "", /^bad +bad +503 +\d+ ms +- +- +http:\S+\/base\/$/);
  assertEquals(all.lines[3], "bad: answered 503");

  const json = await runCli(["mirrors", "--path", "/deb/large", "--json", "--config", config]);
  assertEquals(json.code, 1);
  const { path, mirrors } = JSON.parse(json.stdout);
  assertEquals([path, mirrors.length, mirrors[0].url], [
    "/deb/large",
    2,
    `${good.url}/x/large`,
  ]);
  assert(mirrors[0].bytes >= 1024 * 1024 && mirrors[0].bytes < large.byteLength);
  assert(mirrors[0].bytesPerSecond > 0);
  assertEquals(await exists(join(folder.path, "data")), false, "nothing was made");
});

Deno.test("check tells of the config, of mirrors for a path, and of what is stored", async () => {
  await using origin = new Origin(answer);
  const config = {
    upstream: [
      { server: origin.url, name: "last", "priority-groups": [{ match: "^/deb/", priority: -5 }] },
      {
        server: `${origin.url}/base`,
        name: "first",
        path: { match: "^/deb/(.*)", replace: "/$1" },
      },
      { server: "http://127.0.0.1:1", name: "other", path: { match: "^/other/", replace: "/" } },
    ],
    cache: { policies: [{ match: "\\.deb$", "refresh-after": "never" }] },
  };
  await using bench = await CliBench.start(config);
  const plain = await bench.run("check");
  assertEquals({ code: plain.code, stderr: plain.stderr }, { code: 0, stderr: "" });
  assertMatch(plain.stdout, /^Right: \S+ has 3 mirrors and 1 policy, data in \S+\n$/);

  const before = await bench.run("check", "--path", "/deb/x.deb");
  assertMatch(
    before.stdout,
    /^Policy +never validated again; by cache\.policies\[0\], match \\\.deb\$$/m,
  );
  assertMatch(before.stdout, /^Stored +nothing$/m);
  assertMatch(
    before.stdout,
    /^first +0 +at once +http:\S+\/base\/x\.deb\nlast +-5 +when all above have failed +http:\S+\/deb\/x\.deb\n$/m,
  );
  await bench.fetch("/deb/x.deb");
  assertEquals(origin.seen.map(({ target }) => target), ["/base/x.deb"], "as it was told");
  const after = await bench.run("check", "--path", "/deb/x.deb");
  assertMatch(after.stdout, /^Stored +10 B from first, validated .*, fresh for ever$/m);

  const json = JSON.parse((await bench.run("check", "--path", "/deb/x", "--json")).stdout);
  assertEquals(json.valid, true);
  assertEquals(json.policy.refreshAfter, 3_600_000);
  assertEquals(json.mirrors.map(({ name, when }: Record<string, unknown>) => [name, when]), [
    ["first", "first"],
    ["last", "fallback"],
  ]);
  assertEquals(json.stored, []);
});

Deno.test("check looks into the storage itself when no proxy is running", async () => {
  await using origin = new Origin(answer);
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const file = join(folder.path, "config.yaml");
  const lines = [
    `upstream: [{ server: "${origin.url}", name: toy, path: { match: ^/a/, replace: /a/ } }]`,
    "admin: { port: 0 }",
    `storage: { local: { path: "${dataDir}" } }`,
  ];
  await Deno.writeTextFile(file, lines.join("\n"));
  const check = (): ReturnType<typeof runCli> =>
    runCli(["check", "--path", "/a/file", "--config", file]);
  assertMatch((await check()).stdout, /^Stored +nothing$/m);
  assertEquals(await exists(dataDir), false, "a look makes no data directory");
  await Deno.mkdir(join(dataDir, ".cache-proxy"), { recursive: true });
  await Deno.writeTextFile(join(dataDir, ".cache-proxy/index.db"), "");
  await Deno.mkdir(join(dataDir, "a"));
  await Deno.writeTextFile(join(dataDir, "a/file"), "hello");
  assertMatch(
    (await check()).stdout,
    /^Stored +5 B put there by hand, validated .*, fresh for \d/m,
  );

  const none = await runCli(["check", "--path", "/b", "--config", file]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.stdout, "No mirror would be asked: no path.match fits");
});

Deno.test("import brings a folder in while the proxy runs, and it is served", async () => {
  await using origin = new Origin(() => new Response("no", { status: 404 }));
  await using bench = await CliBench.start({ upstream: [{ server: origin.url }] });
  await using folder = await tempDir();
  await Deno.mkdir(join(folder.path, "deb/pool"), { recursive: true });
  await Deno.writeTextFile(join(folder.path, "deb/pool/a.deb"), "package");
  const imported = await runCli(["import", folder.path, "--config", bench.program.configFile]);
  assertEquals(imported.code, 0, imported.stderr);
  assertMatch(imported.stdout, /^1 file in \S+, 7 B \(\d linked, \d copied\)\n$/);
  const response = await bench.program.fetch("/deb/pool/a.deb");
  assertEquals([await response.text(), response.headers.get("x-cache")], ["package", "HIT"]);

  const args = ["import", folder.path, "--json", "--config", bench.program.configFile];
  const again = await runCli(args);
  assertEquals(again.lines.map((line) => JSON.parse(line)), [
    { event: "file", path: "deb/pool/a.deb", outcome: "there", size: 7, reason: null },
    { event: "done", linked: 0, copied: 0, there: 1, failed: 0, bytes: 0 },
  ]);
});

Deno.test("verify finds wrong files by the running proxy, and without one; --repair throws them out", async () => {
  await using origin = new Origin(answer);
  await using folder = await tempDir();
  const data = join(folder.path, "data");
  {
    await using bench = await CliBench.start({
      upstream: [{ server: origin.url }],
      storage: { local: { path: data } },
    });
    for (const path of ["/a/one", "/a/two", "/b"]) await bench.fetch(path);
    const good = await bench.run("verify");
    assertEquals([good.code, good.stdout], [
      0,
      "3 files checked, 30 B read: all are right (compared by size)\n",
    ]);
    await Deno.truncate(join(data, "a/one"), 4);
    const wrong = await bench.run("verify");
    assertEquals([wrong.code, wrong.lines], [1, [
      "/a/one has 4 of 10 bytes",
      "3 files checked, 24 B read: 1 wrong, --repair throws them out (compared by size)",
    ]]);
    assertEquals((await bench.run("verify", "--prefix", "/b")).code, 0);
    const repaired = await bench.run("verify", "--repair", "--json");
    assertEquals(repaired.code, 1);
    assertEquals(repaired.lines.map((line) => JSON.parse(line)).filter(isNoProgress), [
      { event: "wrong", path: "/a/one", problem: "has 4 of 10 bytes", repaired: true },
      {
        event: "done",
        checked: 3,
        hashed: 0,
        bytes: 24,
        wrong: 1,
        repaired: 1,
        complete: true,
      },
    ]);
    assertEquals(await exists(join(data, "a/one")), false);
    assertEquals((await bench.run("verify")).code, 0);
    bench.program.kill("SIGTERM");
    await bench.program.ended;
  }
  const file = join(folder.path, "config.yaml");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  taken.close();
  const lines = [
    `upstream: [{ server: "${origin.url}" }]`,
    // Nobody is there.
    `admin: { port: ${port} }`,
    `storage: { local: { path: "${data}" } }`,
  ];
  await Deno.writeTextFile(file, lines.join("\n"));
  await Deno.remove(join(data, "b"));
  const alone = await runCli(["verify", "--repair", "--config", file]);
  assertEquals([alone.code, alone.lines], [1, [
    "/b is missing; thrown out",
    "2 files checked, 10 B read: 1 wrong, all of them thrown out (compared by size)",
  ]]);
  assertEquals((await runCli(["verify", "--config", file])).code, 0);
});

/** How often it is told depends on the time. */
function isNoProgress({ event }: { readonly event: string }): boolean {
  return event !== "progress";
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
