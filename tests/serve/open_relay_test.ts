import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { fileAnswer } from "../support/answers.ts";
import { textOf } from "../support/body.ts";
import { makeCertificate } from "../support/certificate.ts";
import { Origin } from "../support/origin.ts";
import { type RawAnswer, rawRequest } from "../support/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Something on loopback that nobody may reach by way of the proxy: it counts who comes. */
class Trap implements AsyncDisposable {
  readonly #listeners: readonly Deno.TcpListener[];
  readonly #running: Promise<unknown>;
  visits = 0;

  private constructor(listeners: readonly Deno.TcpListener[]) {
    this.#listeners = listeners;
    this.#running = Promise.all(listeners.map((listener) => this.#count(listener)));
  }

  /** One port on three addresses of this machine. */
  static set(): Trap {
    const first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = first.addr as Deno.NetAddr;
    const others = ["127.0.0.2", "::1"].map((hostname) => Deno.listen({ hostname, port }));
    return new Trap([first, ...others]);
  }

  get port(): number {
    return (this.#listeners[0]?.addr as Deno.NetAddr).port;
  }

  async #count(listener: Deno.TcpListener): Promise<void> {
    for await (const conn of listener) {
      this.visits++;
      conn.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.#running;
  }
}

function get(port: number, target: string, ...fields: string[]): Promise<RawAnswer> {
  const host = /^https?:\/\/([^/?#]*)/i.exec(target)?.[1] ?? "cache";
  const named = fields.some((field) => /^host:/i.test(field)) ? [] : [`Host: ${host}`];
  return rawRequest(port, `GET ${target} HTTP/1.1`, ...named, ...fields);
}

/**
 * What is asked, and what may come of it. `PORT` is the trap's, `MIRROR` the host of a mirror that is
 * mounted at /debian, with its port.
 */
const TRICKS: [what: string, target: string, statuses: number[], ...fields: string[]][] = [
  ["another host", "http://other.example/x", [403]],
  ["another host and port", "http://other.example:PORT/x", [403]],
  ["a mirror's other port", "http://127.0.0.1:PORT/debian/x", [403]],
  ["a mirror's other folder", "http://MIRROR/secret/x", [403]],
  ["a mirror's folder by its beginning", "http://MIRROR/pub/debianx/x", [403]],
  ["loopback", "http://127.0.0.1:PORT/x", [403]],
  ["loopback, another one", "http://127.0.0.2:PORT/x", [403]],
  ["loopback by name", "http://localhost:PORT/x", [403]],
  ["loopback by name, upper case", "http://LOCALHOST:PORT/x", [403]],
  ["loopback below its name", "http://any.localhost:PORT/x", [403]],
  ["loopback, dot at the end", "http://localhost.:PORT/x", [400]],
  ["loopback as a number", "http://2130706433:PORT/x", [403]],
  ["loopback in octal", "http://0177.0.0.1:PORT/x", [403]],
  ["loopback in hexadecimal", "http://0x7f.0x0.0x0.0x1:PORT/x", [403]],
  ["loopback in one hexadecimal", "http://0x7f000001:PORT/x", [403]],
  ["loopback, short", "http://127.1:PORT/x", [403]],
  ["loopback, IPv6", "http://[::1]:PORT/x", [403]],
  ["loopback, IPv6 in full", "http://[0:0:0:0:0:0:0:1]:PORT/x", [403]],
  ["loopback, mapped", "http://[::ffff:127.0.0.1]:PORT/x", [403]],
  ["loopback, mapped in hexadecimal", "http://[::ffff:7f00:1]:PORT/x", [403]],
  ["loopback, compatible", "http://[::127.0.0.1]:PORT/x", [403]],
  ["loopback behind NAT64", "http://[64:ff9b::7f00:1]:PORT/x", [403]],
  ["loopback behind 6to4", "http://[2002:7f00:1::]:PORT/x", [403]],
  ["IPv6 with a zone", "http://[fe80::1%25lo]:PORT/x", [400]],
  ["unspecified", "http://0.0.0.0:PORT/x", [403]],
  ["unspecified, short", "http://0:PORT/x", [403]],
  ["unspecified, IPv6", "http://[::]:PORT/x", [403]],
  ["link-local", "http://169.254.169.254/latest/meta-data/", [403]],
  ["link-local as a number", "http://2852039166/latest/meta-data/", [403]],
  ["link-local, mapped", "http://[::ffff:169.254.169.254]/latest/meta-data/", [403]],
  ["link-local, IPv6", "http://[fe80::1]/x", [403]],
  ["private", "http://10.0.0.1/x", [403]],
  ["private, 192.168", "http://192.168.0.1/x", [403]],
  ["unique local", "http://[fd00::1]/x", [403]],
  ["carrier's", "http://100.64.0.1/x", [403]],
  ["multicast", "http://224.0.0.1/x", [403]],
  ["broadcast", "http://255.255.255.255/x", [403]],
  ["no such address", "http://256.1.1.1/x", [400]],
  ["user in the authority", "http://user@127.0.0.1:PORT/x", [400]],
  ["user and password", "http://user:password@127.0.0.1:PORT/x", [400]],
  ["a mirror as the user", "http://MIRROR@127.0.0.1:PORT/debian/x", [400]],
  ["a mirror as the password", "http://a:MIRROR@127.0.0.1:PORT/debian/x", [400]],
  ["escaped @", "http://MIRROR%40127.0.0.1:PORT/debian/x", [400]],
  ["escaped dots", "http://127%2e0%2e0%2e1:PORT/x", [400]],
  ["escaped slash", "http://127.0.0.1:PORT%2fx/debian/x", [400]],
  ["dot at the end", "http://other.example./x", [400]],
  ["IDN, raw", "http://ex\xe4mple.test/x", [400]],
  ["full-width dots, raw", "http://127\u3002example/x", [400]],
  ["IDN, encoded", "http://xn--exmple-cua.test/x", [403]],
  ["backslash", "http://MIRROR\\@127.0.0.1:PORT/x", [400]],
  ["backslash for a slash", "http:\\\\127.0.0.1:PORT\\x", [400]],
  ["no host", "http:///x", [400]],
  ["no host but a port", "http://:PORT/x", [400]],
  ["an empty port", "http://127.0.0.1:/x", [400]],
  ["a port too high", "http://127.0.0.1:99999/x", [400]],
  ["two ports", "http://127.0.0.1:80:PORT/x", [400]],
  ["no slashes", "http:127.0.0.1:PORT/x", [400]],
  ["one slash", "http:/127.0.0.1:PORT/x", [400]],
  ["another scheme", "ftp://127.0.0.1:PORT/x", [400]],
  ["a file", "file:///etc/passwd", [400]],
  ["gopher", "gopher://127.0.0.1:PORT/_x", [400]],
  ["authority form", "127.0.0.1:PORT", [400]],
  ["asterisk form", "*", [400]],
  // A path is a path: it goes to the mirrors, to none of which it belongs.
  ["a path with two slashes", "//127.0.0.1:PORT/x", [404]],
  ["a URL as a path", "/http://127.0.0.1:PORT/x", [404]],
  ["a URL as a path, for a mirror", "/debian/http://127.0.0.1:PORT/x", [404]],
  ["TLS of another host", "http://HTTPS///other.example/x", [403]],
  ["TLS of loopback", "http://HTTPS///127.0.0.1:PORT/x", [403]],
  ["TLS of loopback, lower case", "http://https///localhost:PORT/x", [403]],
  ["TLS of loopback, by a path", "/HTTPS///127.0.0.1:PORT/x", [403]],
  ["TLS of loopback, IPv6", "http://HTTPS///[::1]:PORT/x", [403]],
  ["TLS of a mirror without TLS", "http://HTTPS///MIRROR/pub/debian/x", [403]],
  ["TLS with a user", "http://HTTPS///user:password@127.0.0.1:PORT/x", [400]],
  ["TLS of nobody", "http://HTTPS////x", [400]],
  ["TLS of nothing", "http://HTTPS///", [400]],
  ["TLS of a URL", "http://HTTPS///http://127.0.0.1:PORT/x", [400]],
  ["TLS of TLS", "http://HTTPS///HTTPS///127.0.0.1:PORT/x", [400]],
  ["TLS of TLS, by a path", "/HTTPS///HTTPS///127.0.0.1:PORT/x", [400]],
  ["TLS word with a port", "http://HTTPS:PORT///127.0.0.1:PORT/x", [400]],
  ["TLS word with fewer slashes", "http://HTTPS//127.0.0.1:PORT/x", [400]],
  ["the folder of forwarded files", "/.forward/http/127.0.0.1:PORT/x", [403]],
  ["that folder, escaped", "/%2Eforward/http/127.0.0.1:PORT/x", [403]],
  ["that folder itself", "/.forward", [403]],
  ["that folder by a mirror's URL", "http://ROOT/.forward/http/127.0.0.1:PORT/x", [403]],
  ["up into that folder", "http://MIRROR/pub/debian/../../.forward/http/127.0.0.1:PORT/x", [400]],
  ["Host of another", "http://MIRROR/secret", [403], "Host: 127.0.0.1:PORT"],
  ["Host of a mirror", "http://127.0.0.1:PORT/pub/debian/x", [403], "Host: MIRROR"],
  ["Host that cannot be read", "http://other.example/x", [400, 403], "Host: a/b"],
  ["Host with a user", "/debian/gone", [400], "Host: user@127.0.0.1:PORT"],
  ["two Hosts", "/debian/gone", [400], "Host: cache", "Host: 127.0.0.1:PORT"],
  ["X-Forwarded-Host", "/debian/gone", [404], "X-Forwarded-Host: 127.0.0.1:PORT"],
  ["Forwarded", "/debian/gone", [404], 'Forwarded: host="127.0.0.1:PORT";proto=http'],
  ["X-Original-URL", "/debian/gone", [404], "X-Original-URL: http://127.0.0.1:PORT/x"],
  ["X-Rewrite-URL", "/debian/gone", [404], "X-Rewrite-URL: http://127.0.0.1:PORT/x"],
  ["X-Forwarded-Host of a proxy", "http://other.example/x", [403], "X-Forwarded-Host: MIRROR"],
];

/** Mirrors that have nothing: whatever is found was found elsewhere. */
const GONE = () => new Response("gone", { status: 404 });

async function tryAll(allow: (port: number) => readonly string[]): Promise<void> {
  await using trap = Trap.set();
  await using mirror = new Origin(GONE);
  await using root = new Origin(GONE);
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: `${mirror.url}/pub/debian`, name: "mirror", at: "/debian" },
      { server: root.url, name: "root", "priority-groups": [{ match: "", priority: -1 }] },
    ],
    config: { forward: { allow: allow(trap.port) }, cache: { policies: [] } },
  });
  const fill = (text: string): string =>
    text.replaceAll("MIRROR", new URL(mirror.url).host).replaceAll("ROOT", new URL(root.url).host)
      .replaceAll("PORT", String(trap.port));
  const isOpen = allow(trap.port).length > 0;
  for (const [what, target, statuses, ...fields] of TRICKS) {
    // What reaches beyond this machine is for a machine of its own.
    if (isOpen && /other\.example|xn--/.test(target)) continue;
    const answer = await get(proxy.port, fill(target), ...fields.map(fill));
    const told = `${what}: ${textOf(answer.body)}`;
    // The mirror without a mount has every path on its own host, and says of each that it is gone.
    assert(statuses.includes(answer.status), `${answer.status} in place of ${statuses}, ${told}`);
    assertEquals(told.includes("password@"), false, told);
    assertEquals(trap.visits, 0, told);
  }
  for (const { target } of [...mirror.seen, ...root.seen]) {
    assertEquals(/^\/\.forward/.test(target), false, target);
  }
  await proxy.assertNothingStored();
  assertEquals(trap.visits, 0);
}

Deno.test("no trick leads beyond the mirrors, where no other host is allowed", async () => {
  await tryAll(() => []);
});

Deno.test("no trick leads to this machine or its networks, however many hosts are allowed", async () => {
  await tryAll((port) => ["*", `*:${port}`]);
});

Deno.test("other methods lead nowhere either, and tunnels are refused with a word of help", async () => {
  await using trap = Trap.set();
  await using mirror = new Origin(GONE);
  await using proxy = await TestProxy.start({
    upstreams: [{ server: mirror.url, "allow-methods": ["POST"] }],
    config: { forward: { allow: ["*", `*:${trap.port}`] } },
  });
  for (const method of ["HEAD", "POST", "PUT", "OPTIONS", "PROPFIND"]) {
    const url = `http://127.0.0.1:${trap.port}/x`;
    const answer = await rawRequest(proxy.port, `${method} ${url} HTTP/1.1`, "Host: x");
    assertEquals(answer.status, 403, method);
  }
  for (const authority of [`127.0.0.1:${trap.port}`, "other.example:443"]) {
    const line = `CONNECT ${authority} HTTP/1.1`;
    const answer = await rawRequest(proxy.port, line, `Host: ${authority}`);
    assertEquals([answer.status, answer.headers.get("allow")], [405, "GET, HEAD"]);
    assertStringIncludes(textOf(answer.body), "http://HTTPS///");
  }
  assertEquals([trap.visits, mirror.seen.length], [0, 0]);
});

Deno.test("by TLS nobody gets further", async () => {
  await using folder = await tempDir();
  const [cert, key] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
  await makeCertificate(cert, key);
  await using trap = Trap.set();
  await using mirror = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({
    upstreams: [{ server: `${mirror.url}/debian`, at: "/debian" }],
    config: {
      listen: { address: "127.0.0.1", port: 0, tls: { cert, key } },
      forward: { allow: ["*", `*:${trap.port}`] },
    },
  });
  const at = { hostname: "127.0.0.1", port: proxy.port };
  const caCerts = [await Deno.readTextFile(cert)];
  const { host } = new URL(mirror.url);
  const table: [target: string, host: string, status: number][] = [
    ["/debian/x", "cache", 200],
    [`https://127.0.0.1:${proxy.port}/debian/x`, "other", 200],
    [`http://${host}/debian/x`, host, 200],
    [`http://127.0.0.1:${trap.port}/x`, `127.0.0.1:${trap.port}`, 403],
    [`https://127.0.0.1:${trap.port}/x`, "cache", 403],
    [`/HTTPS///127.0.0.1:${trap.port}/x`, "cache", 403],
    [`/.forward/http/127.0.0.1:${trap.port}/x`, "cache", 403],
  ];
  for (const [target, host, status] of table) {
    using conn = await Deno.connectTls({ ...at, caCerts, alpnProtocols: ["http/1.1"] });
    const text = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await conn.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(1024);
    const count = await conn.read(buffer) ?? 0;
    const line = new TextDecoder().decode(buffer.subarray(0, count)).split("\r\n")[0];
    assertEquals(line?.split(" ")[1], String(status), target);
  }
  assertEquals(trap.visits, 0);
});

Deno.test("no redirect of a mirror leads to what only we can reach", async () => {
  await using trap = Trap.set();
  const table: [location: string, isAllowedByPattern: boolean][] = [
    [`http://127.0.0.1:${trap.port}/x`, false],
    [`http://127.0.0.2:${trap.port}/x`, false],
    [`//127.0.0.1:${trap.port}/x`, false],
    [`http://localhost:${trap.port}/x`, false],
    [`http://[::1]:${trap.port}/x`, false],
    [`http://2130706433:${trap.port}/x`, false],
    [`http://user@127.0.0.1:${trap.port}/x`, false],
    [`https://127.0.0.1:${trap.port}/x`, false],
  ];
  for (const [location] of table) {
    await using mirror = new Origin(() =>
      new Response(null, { status: 302, headers: { location } })
    );
    await using proxy = await TestProxy.start({ upstreams: [{ server: mirror.url, name: "m" }] });
    const { response, text } = await proxy.get("/x");
    assertEquals(response.status, 502, location);
    assertStringIncludes(text, "is not allowed", location);
  }
  assertEquals(trap.visits, 0);
});

Deno.test("mirrors' hosts share one copy when they are asked as of a proxy", async () => {
  const files = fileAnswer("hello");
  await using a = new Origin(files);
  await using b = new Origin(files);
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: `${a.url}/debian`, name: "a", at: "/debian" },
      { server: `${b.url}/pub/debian`, name: "b", at: "/debian" },
    ],
  });
  const [hostA, hostB] = [new URL(a.url).host, new URL(b.url).host];
  const table: [target: string, host: string][] = [
    [`http://${hostA}/debian/pool/x_1%2b2.deb`, hostA],
    [`http://${hostB}/pub/debian/pool/x_1%2b2.deb`, hostB],
    // RFC 9112 section 3.2.2: the target counts.
    [`http://${hostB}/pub/debian/pool/x_1%2b2.deb`, hostA],
    ["/debian/pool/x_1+2.deb", "cache"],
    [`http://127.0.0.1:${proxy.port}/debian/pool/x_1+2.deb`, `127.0.0.1:${proxy.port}`],
    [`http://localhost:${proxy.port}/debian/pool/x_1+2.deb`, `localhost:${proxy.port}`],
  ];
  const results: (string | null)[] = [];
  for (const [target, host] of table) {
    const answer = await get(proxy.port, target, `Host: ${host}`);
    assertEquals([answer.status, textOf(answer.body)], [200, "hello"], target);
    results.push(answer.headers.get("x-cache"));
    await proxy.settled();
  }
  assertEquals(results, ["MISS", "HIT", "HIT", "HIT", "HIT", "HIT"]);
  assertEquals(proxy.storedKeys(), ["/debian/pool/x_1+2.deb"]);
  // A path that looks like a mirror's is none of it.
  assertEquals((await get(proxy.port, "/pub/debian/pool/x_1+2.deb")).status, 404);
});
