import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parse } from "@std/yaml";
import { fileAnswer } from "../support/answers.ts";
import { makeCertificate } from "../support/certificate.ts";
import { Gate } from "../support/gate.ts";
import { type Answerer, Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";
import { isInstalled } from "../tools/is_installed.ts";
import { codeBlocks, readProject } from "./pages.ts";
import { type NginxConf, runNginx } from "./running_nginx.ts";

const ignore = !await isInstalled("nginx") || !await isInstalled("openssl", "version");
if (ignore) {
  Deno.stderr.writeSync(
    new TextEncoder().encode("Skipped: no nginx or openssl here, docs/nginx.md\n"),
  );
}

const TOKEN = "of-the-test";
const BODY = "0123456789abcdef";
/** A name with everything that may be decoded once too often or once too little. */
const ODD_PATH = "/debian/pool/a%20b+c%25d%23e~f%3Ag_%C3%BC.deb";

/** More than nginx and both ends hold on to, were they to hold something. */
const LARGE_BYTES = 4 * 1024 * 1024;
const FIRST_BYTES = 1024 * 1024;

interface Setup extends AsyncDisposable {
  readonly origin: Origin;
  readonly proxy: TestProxy;
  /** Fetches by way of nginx. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Asks the admin listener by way of nginx; only with TLS. */
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** Base URL of the admin page. */
  readonly adminUrl: string;
}

/** Where nginx finds cache-proxy, and its certificate. */
interface Place {
  readonly port: number;
  /** Host and port of the admin listener. */
  readonly admin: string;
  readonly dataDir: string;
  readonly cert: string;
  readonly key: string;
}

/** The `nginx` block of the page, in a whole config. */
async function confOfPage({ port }: Place): Promise<NginxConf> {
  const [block] = codeBlocks(await readProject("docs/nginx.md"))
    .filter(({ language }) => language === "nginx");
  assert(block !== undefined);
  const main = "user www-data;\npid /run/nginx.pid;\nevents {}\n";
  return {
    text: `${main}\nhttp {\n${block.text}}\n`,
    replacements: [["server 127.0.0.1:8881;", `server 127.0.0.1:${port};`]],
    listens: ["listen 80"],
  };
}

/** deploy/nginx-tls.conf. */
async function confWithTls({ port, admin, cert, key }: Place): Promise<NginxConf> {
  return {
    text: await readProject("deploy/nginx-tls.conf"),
    replacements: [
      ["server 127.0.0.1:8881;", `server 127.0.0.1:${port};`],
      ["server 127.0.0.1:8882;", `server ${admin};`],
      ["/etc/nginx/cache.example.org.pem", cert],
      ["/etc/nginx/cache.example.org.key", key],
    ],
    listens: ["listen 443", "listen 8443"],
  };
}

/** deploy/nginx.conf. */
async function confWithAccel({ port, dataDir }: Place): Promise<NginxConf> {
  return {
    text: await readProject("deploy/nginx.conf"),
    replacements: [
      ["server 127.0.0.1:8881;", `server 127.0.0.1:${port};`],
      ["alias /srv/cache-proxy/;", `alias ${dataDir}/;`],
    ],
    listens: ["listen 80"],
  };
}

function withTls(answer: Answerer): Promise<Setup> {
  return setUp(answer, confWithTls);
}

async function setUp(
  answer: Answerer,
  confOf: (place: Place) => Promise<NginxConf>,
  local: Readonly<Record<string, unknown>> = {},
): Promise<Setup> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(new Origin(answer));
  const config = { admin: { port: 0, token: TOKEN } };
  const proxy = stack.use(await TestProxy.start({ upstreams: [origin.url], config, local }));
  const folder = stack.use(await tempDir());
  const pem = { cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
  await makeCertificate(pem.cert, pem.key);
  const { port, dataDir } = proxy;
  const admin = new URL(proxy.adminUrl).host;
  const { ports } = stack.use(await runNginx(await confOf({ port, admin, dataDir, ...pem })));
  const client = stack.use(
    Deno.createHttpClient({ caCerts: [await Deno.readTextFile(pem.cert)] }),
  );
  const scheme = ports.length === 1 ? "http" : "https";
  const adminUrl = `${scheme}://127.0.0.1:${ports[1]}`;
  const parts = stack.move();
  return {
    origin,
    proxy,
    adminUrl,
    fetch: (path, init) => fetch(`${scheme}://127.0.0.1:${ports[0]}${path}`, { ...init, client }),
    admin: (path, init) => fetch(adminUrl + path, { ...init, client }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

for (
  const [name, confOf] of [
    ["the config of nginx.md", confOfPage],
    ["nginx-tls.conf", confWithTls],
  ] as const
) {
  Deno.test(
    { name: `${name}: a miss, a hit, a range, a HEAD and a condition`, ignore },
    async () => {
      await using setup = await setUp(fileAnswer(BODY, { etag: '"e"' }), confOf);
      const miss = await setup.fetch(ODD_PATH);
      assertEquals([await miss.text(), miss.headers.get("x-cache")], [BODY, "MISS"]);
      // nginx has passed on what the client wrote, and so has cache-proxy.
      assertEquals(setup.origin.seen[0]?.target, ODD_PATH);
      await setup.proxy.settled();
      const hit = await setup.fetch(ODD_PATH);
      assertEquals([await hit.text(), hit.headers.get("x-cache")], [BODY, "HIT"]);
      assertEquals(hit.headers.get("content-length"), String(BODY.length));
      const range = await setup.fetch(ODD_PATH, { headers: { range: "bytes=2-5" } });
      assertEquals([range.status, await range.text()], [206, "2345"]);
      const head = await setup.fetch(ODD_PATH, { method: "HEAD" });
      assertEquals([head.headers.get("etag"), await head.text()], ['"e"', ""]);
      const unchanged = await setup.fetch(ODD_PATH, { headers: { "if-none-match": '"e"' } });
      assertEquals([unchanged.status, await unchanged.text()], [304, ""]);
      assertEquals(setup.origin.seen.length, 1);
    },
  );

  Deno.test({
    name: `${name}: a file that is still arriving goes to the client as it comes`,
    ignore,
  }, async () => {
    const gate = new Gate();
    const headers = { "content-length": String(LARGE_BYTES) };
    await using setup = await setUp(() => new Response(heldBack(gate), { headers }), confOf);
    const response = await setup.fetch("/large.iso");
    const reader = (response.body ?? assertNever()).getReader();
    let received = 0;
    // The rest is sent only when the client has this.
    while (received < FIRST_BYTES) received += (await reader.read()).value?.byteLength ?? 0;
    gate.open();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      received += part.value.byteLength;
    }
    assertEquals(received, LARGE_BYTES);
    await setup.proxy.settled();
  });
}

Deno.test(
  { name: "nginx-tls.conf: errors of cache-proxy come through with their reasons", ignore },
  async () => {
    await using setup = await withTls(() => new Response(null, { status: 500 }));
    const response = await setup.fetch("/file");
    assertEquals(response.status, 502);
    assertEquals(response.headers.get("via"), "1.1 cache-proxy");
    assertStringIncludes(await response.text(), "answered 500");
  },
);

Deno.test({
  name: "nginx-tls.conf: the admin page takes the token, from programs and browsers",
  ignore,
}, async () => {
  await using setup = await withTls(fileAnswer(BODY));
  const without = await setup.admin("/status");
  assertEquals(without.status, 401);
  await without.body?.cancel();
  const open = await setup.admin("/healthz");
  assertEquals([open.status, await open.text()], [200, "ok\n"]);
  for (const authorization of [`Bearer ${TOKEN}`, `Basic ${btoa(`me:${TOKEN}`)}`]) {
    const metrics = await setup.admin("/metrics", { headers: { authorization } });
    assertStringIncludes(await metrics.text(), "cache_proxy_requests_total");
  }
});

Deno.test({
  name: "nginx-tls.conf: the admin page may change something, other pages may not",
  ignore,
}, async () => {
  await using setup = await withTls(fileAnswer(BODY));
  await setup.proxy.get("/file");
  await setup.proxy.stored("/file");
  const authorization = `Basic ${btoa(`me:${TOKEN}`)}`;
  const purge = (origin: string): Promise<Response> =>
    setup.admin("/cache/file", {
      method: "DELETE",
      headers: { authorization, origin, "x-cache-proxy": "1" },
    });
  const foreign = await purge("https://elsewhere.example.org");
  assertEquals(foreign.status, 403);
  await foreign.body?.cancel();
  const own = await purge(setup.adminUrl);
  assertEquals([own.status, (await own.json()).removed], [200, 1]);
  assertEquals(setup.proxy.storedKeys(), []);
});

Deno.test({ name: "nginx-tls.conf: events come at once", ignore }, async () => {
  await using setup = await withTls(fileAnswer(BODY));
  const response = await setup.admin("/events", { headers: { authorization: `Bearer ${TOKEN}` } });
  const reader = (response.body ?? assertNever()).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: downloads")) text += (await reader.read()).value ?? "";
  await reader.cancel();
});

Deno.test({ name: "nginx accepts deploy/nginx-tls.conf without a word", ignore }, async () => {
  await using folder = await tempDir();
  const pem = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")] as const;
  await makeCertificate(...pem);
  const conf = join(folder.path, "nginx.conf");
  const text = (await readProject("deploy/nginx-tls.conf"))
    .replace("user www-data;", "error_log stderr;")
    .replace("pid /run/nginx.pid;", () => `pid ${folder.path}/nginx.pid;`)
    .replace("/etc/nginx/cache.example.org.pem", () => pem[0])
    .replace("/etc/nginx/cache.example.org.key", () => pem[1])
    .replace("listen 443", "listen 127.0.0.1:1443");
  await Deno.writeTextFile(conf, text);
  const args = ["-t", "-p", folder.path, "-c", conf];
  const { code, stderr } = await new Deno.Command("nginx", { args }).output();
  const said = new TextDecoder().decode(stderr);
  assertEquals(code, 0, said);
  // From nginx 1.25.1 on it would rather have another spelling; the page says so.
  assert(!/\[warn\](?!.*http2)/.test(said), said);
});

Deno.test(
  { name: "by what nginx.md says, nginx sends a hit and cache-proxy none of it", ignore },
  async () => {
    const { path: _, ...local } = await accelOfPage();
    await using setup = await setUp(fileAnswer(BODY), confWithAccel, local);
    await (await setup.fetch(ODD_PATH)).text();
    await setup.proxy.settled();
    const hit = await setup.fetch(ODD_PATH);
    assertEquals([await hit.text(), hit.headers.get("x-cache")], [BODY, "HIT"]);
    const range = await setup.fetch(ODD_PATH, { headers: { range: "bytes=-3" } });
    assertEquals([range.status, await range.text()], [206, "def"]);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const metrics = await (await fetch(`${setup.proxy.adminUrl}/metrics`, { headers })).text();
    assertStringIncludes(metrics, `cache_proxy_requests_total{result="HIT",status="2xx"} 2\n`);
    assertStringIncludes(metrics, `cache_proxy_sent_bytes_total{result="HIT"} 0\n`);
  },
);

for (const confOf of [confOfPage, confWithTls, confWithAccel]) {
  Deno.test(
    { name: `${confOf.name}: nginx says who asks, whatever the client says`, ignore },
    async () => {
      // In place of cache-proxy.
      await using behind = new Origin(fileAnswer(BODY));
      await using folder = await tempDir();
      const pem = { cert: join(folder.path, "cert.pem"), key: join(folder.path, "key.pem") };
      await makeCertificate(pem.cert, pem.key);
      const port = Number(new URL(behind.url).port);
      const place = { port, admin: "127.0.0.1:1", dataDir: folder.path, ...pem };
      await using nginx = await runNginx(await confOf(place));
      using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(pem.cert)] });
      const authority = `127.0.0.1:${nginx.ports[0]}`;
      const scheme = confOf === confWithTls ? "https" : "http";
      const headers = { "x-forwarded-for": "192.0.2.1", "x-accel-location": "/elsewhere" };
      await (await fetch(`${scheme}://${authority}/file`, { client, headers })).text();
      const seen = behind.seen[0]?.headers;
      assertEquals(seen?.get("x-forwarded-for"), "127.0.0.1");
      assertEquals(seen?.get("host"), authority);
      if (confOf === confWithAccel) {
        assertEquals(seen?.get("x-accel-location"), "/stored-by-cache-proxy");
      }
    },
  );
}

/** What the page says under `storage.local`. */
async function accelOfPage(): Promise<Readonly<Record<string, unknown>>> {
  const blocks = codeBlocks(await readProject("docs/nginx.md"));
  for (const { language, text } of blocks) {
    if (language !== "yaml") continue;
    const { storage } = parse(text) as { storage?: { local: Readonly<Record<string, unknown>> } };
    if (storage !== undefined) return storage.local;
  }
  throw new Error("nginx.md says nothing of storage");
}

/** The first part of a large body; the rest once the gate is open. */
function heldBack(gate: Gate): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(new Uint8Array(FIRST_BYTES));
      await gate.opened;
      controller.enqueue(new Uint8Array(LARGE_BYTES - FIRST_BYTES));
      controller.close();
    },
  });
}

function assertNever(): never {
  throw new Error("The answer has no body");
}
