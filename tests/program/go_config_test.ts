import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest } from "../support/program_under_test.ts";
import { tempDir } from "../support/temp_dir.ts";

/** A file as users of the Go program have it, in the spelling of its older versions. */
function configFile(distributions: string, vendor: string, rest: string, dataDir: string): string {
  return `
listen:
  address: 127.0.0.1
  port: 0
upstream:
  - server: ${distributions}
    match:
      match: /(debian|ubuntu)/(.*)
      replace: /linux/$1/$2
    checkers:
      headers:
        - name: content-type
          match: application/octet-stream
  - server: ${vendor}/repos/
    match:
      match: /code(.*)
      replace: '$1'
    allowed-redirect: ^${distributions}/builds/.*$
    priority-groups:
      - match: /dists/.*
        priority: 10
  - server: ${rest}
    match:
      match:
      replace:
misc:
  first-chunk-bytes: 52428800 # 50M
  chunk-bytes: 1048576
cache:
  timeout: 1h
  policies:
    - match: '.*\\.(rpm|deb|apk|iso)$'
      refresh-after: never
storage:
  type: local
  local:
    path: ${dataDir}
    temporary-file-pattern: temp.*
  accel:
    enable-by-header: X-Accel-Enable
    response-with-headers: [X-Sendfile, X-Accel-Redirect]
`;
}

Deno.test("a config file of the Go program drives the program, with the new names as warnings", async () => {
  await using folder = await tempDir();
  const dataDir = join(folder.path, "data");
  const package_ = { headers: { "content-type": "application/octet-stream" } };
  await using distributions = new Origin(({ target }) =>
    new Response(`distributions ${target}`, package_)
  );
  await using vendor = new Origin(({ target }) =>
    target.startsWith("/repos/moved")
      ? Response.redirect(`${distributions.url}/builds/moved`)
      : new Response(`vendor ${target}`)
  );
  await using rest = new Origin(() => new Response("none", { status: 404 }));
  // The one line that is not the Go program's: tests run side by side.
  const config = configFile(distributions.url, vendor.url, rest.url, dataDir) +
    "admin: { port: 0 }\n";
  await using program = await ProgramUnderTest.start({ config, dataDir });

  const warnings = program.log.filter(({ level }) => level === "WARN");
  assertEquals(warnings.map(({ message }) => message), [
    "upstream[0].match: old spelling, write upstream[0].path",
    "upstream[1].match: old spelling, write upstream[1].path",
    "upstream[2].match: old spelling, write upstream[2].path",
    "storage.accel: old spelling, write storage.local.accel",
    "storage.accel.response-with-headers: old spelling, write " +
    "storage.local.accel.respond-with-headers",
  ]);

  const rows = [
    ["/debian/pool/hello_1%2B2.deb", "distributions /linux/debian/pool/hello_1%2B2.deb"],
    ["/code/dists/stable/Release", "vendor /repos/dists/stable/Release"],
    ["/code/moved", "distributions /builds/moved"],
  ] as const;
  for (const [path, text] of rows) {
    for (const result of ["MISS", "HIT"]) {
      const response = await program.fetch(path);
      assertEquals([response.headers.get("x-cache"), await response.text()], [result, text]);
      await program.stored(path.replace("%2B", "+"));
    }
  }
  assertEquals(rest.count("GET", "/code/dists/stable/Release"), 0, "its group came first and won");

  const accel = await program.fetch("/debian/pool/hello_1%2B2.deb", {
    headers: { "x-accel-enable": "/internal/" },
  });
  assertEquals(await accel.text(), "");
  for (const name of ["x-sendfile", "x-accel-redirect"]) {
    assertEquals(accel.headers.get(name), "/internal/debian/pool/hello_1%2B2.deb");
  }
  assertEquals(
    await Deno.readTextFile(join(dataDir, "debian/pool/hello_1+2.deb")),
    "distributions /linux/debian/pool/hello_1%2B2.deb",
  );
});
