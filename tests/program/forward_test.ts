import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer } from "../support/answers.ts";
import { textOf } from "../support/body.ts";
import { makeCertificate } from "../support/certificate.ts";
import { Origin } from "../support/origin.ts";
import { ProgramUnderTest, runProgram } from "../support/program_under_test.ts";
import { rawRequest } from "../support/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("a mirror with TLS is asked with it by the HTTPS/// spelling", async () => {
  await using folder = await tempDir();
  const [cert, key] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
  await makeCertificate(cert, key);
  const seen: string[] = [];
  const pem = { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  await using mirror = Deno.serve(
    { hostname: "127.0.0.1", port: 0, ...pem, onListen: () => {} },
    (request) => {
      seen.push(new URL(request.url).pathname);
      return new Response("secure");
    },
  );
  const host = `127.0.0.1:${mirror.addr.port}`;
  const upstream = [{ server: `https://${host}/pub`, at: "/secure" }];
  const config = { upstream, forward: { allow: [host] } };
  const env = { SSL_CERT_FILE: cert, DENO_TLS_CA_STORE: "" };
  await using program = await ProgramUnderTest.start({ config, env });
  const table: [target: string, hostField: string][] = [
    [`http://HTTPS///${host}/pub/x`, "HTTPS"],
    [`/HTTPS///${host}/pub/x`, "cache"],
    [`http://${host}/pub/x`, host],
    ["/secure/x", "cache"],
  ];
  for (const [target, hostField] of table) {
    const answer = await rawRequest(program.port, `GET ${target} HTTP/1.1`, `Host: ${hostField}`);
    assertEquals([answer.status, textOf(answer.body)], [200, "secure"], target);
  }
  assertEquals(seen, ["/pub/x"]);
  // However often it was asked for, its own path is not to be had.
  for (let count = 0; count < 3; count++) {
    const response = await program.fetch(`/HTTPS///${host}/other`);
    assertEquals([response.status, await response.text()], [200, "secure"]);
    if (count === 0) await program.stored(`/.forward/https/${host}/other`);
    const direct = await program.fetch(`/.forward/https/${host}/other`);
    await direct.body?.cancel();
    assertEquals(direct.status, 403);
  }
  assertEquals(seen, ["/pub/x", "/other"]);
});

Deno.test("a host that is listed is reached, and its files are kept in a folder of their own", async () => {
  await using other = new Origin(fileAnswer("elsewhere"));
  await using origin = new Origin((seen, request) =>
    seen.target === "/away"
      ? new Response(null, { status: 302, headers: { location: `${other.url}/x` } })
      : fileAnswer("hello")(seen, request)
  );
  const { host } = new URL(origin.url);
  const upstreams = ["http://127.0.0.1:1"];
  await using proxy = await TestProxy.start({ upstreams, config: { forward: { allow: [host] } } });
  const ask = (path: string) =>
    rawRequest(proxy.port, `GET http://${host}${path} HTTP/1.1`, `Host: ${host}`);
  const results: (string | null)[] = [];
  for (const path of ["/a%2bb/x.deb", "/a+b/x.deb"]) {
    const answer = await ask(path);
    assertEquals([answer.status, textOf(answer.body)], [200, "hello"]);
    results.push(answer.headers.get("x-cache"));
    await proxy.settled();
  }
  assertEquals(results, ["MISS", "HIT"]);
  assertEquals(proxy.files(), [`.forward/http/${host}/a+b/x.deb`]);
  assertEquals(origin.seen.map(({ target }) => target), ["/a%2bb/x.deb"]);
  assertEquals(origin.seen[0]?.headers.get("host"), host);
  // No path leads there, not even to what is stored.
  assertEquals((await proxy.get(`/.forward/http/${host}/a+b/x.deb`)).response.status, 403);
  assertEquals((await proxy.get("/a+b/x.deb")).response.status, 502);
  // It leads to nobody else.
  const away = await ask("/away");
  assertEquals(away.status, 502);
  assertStringIncludes(textOf(away.body), "is not allowed");
  assertEquals(other.seen, []);
  // What is stored of a host that is listed no more is had by nobody.
  proxy.reload({ upstreams });
  assertEquals((await ask("/a+b/x.deb")).status, 403);
});

Deno.test("no credential is told, and the client behind a trusted server is", async () => {
  await using folder = await tempDir();
  const netrc = join(folder.path, "netrc");
  await Deno.writeTextFile(netrc, "default login someone password passw0rd");
  await Deno.chmod(netrc, 0o644);
  await using origin = new Origin(fileAnswer("hello"));
  await using gone = new Origin(() => new Response("no", { status: 500 }));
  const config = {
    listen: { "trusted-proxies": ["127.0.0.0/8"] },
    admin: { port: 0 },
    upstream: [
      { server: origin.url, name: "a", at: "/a", auth: { netrc } },
      { server: origin.url, name: "b", at: "/b", auth: { bearer: "t0ken" } },
      { server: gone.url, name: "c", at: "/c", auth: { user: "someone", password: "passw0rd" } },
    ],
    log: { level: "trace" },
    storage: { local: { path: join(folder.path, "data") } },
  };
  const configFile = join(folder.path, "config.yaml");
  const lines: string[] = [];
  {
    await using program = await ProgramUnderTest.start({ config, configFile });
    for (const path of ["/a/x", "/b/x", "/c/x", "/HTTPS///me:passw0rd@127.0.0.1/x"]) {
      const response = await program.fetch(path, { headers: { "x-forwarded-for": "192.0.2.7" } });
      lines.push(await response.text());
      const line = await program.line(({ path: told, client }) =>
        typeof told === "string" && client === "192.0.2.7" && told.startsWith(path.slice(0, 3))
      );
      lines.push(JSON.stringify(line));
    }
    const warning = await program.line(({ warning }) => warning !== undefined);
    assertStringIncludes(String(warning["warning"]), "Others can read the netrc file");
    const { admin } = await program.line((line) => line["admin"] !== undefined);
    for (const path of ["/status", "/openapi.json", "/metrics"]) {
      lines.push(await (await fetch(`${admin}${path}`)).text());
    }
    lines.push(JSON.stringify(program.log), program.stderr);
  }
  for (const args of [["check"], ["check", "--expand"], ["check", "--path", "/b/x"]]) {
    const { stdout, stderr } = await runProgram([...args, "--config", configFile]);
    lines.push(stdout, stderr);
  }
  const all = lines.join("\n");
  assert(all.includes("<hidden>"));
  const shown = origin.seen.map(({ headers }) => headers.get("authorization"));
  assertEquals(shown, [`Basic ${btoa("someone:passw0rd")}`, "Bearer t0ken"]);
  for (const secret of ["passw0rd", "t0ken", btoa("someone:passw0rd")]) {
    assertEquals(all.includes(secret), false, `${secret} in ${all}`);
  }
});

Deno.test("check --path tells the rule, and a netrc file that is not there", async () => {
  await using folder = await tempDir();
  const configFile = join(folder.path, "config.yaml");
  const rules = `rules: [{ match: "^/x", action: deny, reason: "not here" }]`;
  const upstream = (auth: string): string =>
    `upstream: [{ server: "http://127.0.0.1:1"${auth} }]\n` +
    `storage: { local: { path: "${folder.path}/data" } }\nadmin: { port: 1 }\n`;
  await Deno.writeTextFile(configFile, upstream("") + rules);
  const told = await runProgram(["check", "--path", "/x/y", "--config", configFile]);
  assertStringIncludes(told.stdout, "denied (403): not here; by rules[0], match ^/x");
  await Deno.writeTextFile(configFile, upstream(`, auth: { netrc: "${folder.path}/none" }`));
  const wrong = await runProgram(["check", "--config", configFile]);
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "there is no such file");
});
