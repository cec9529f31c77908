import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parse } from "@std/yaml";
import { type Answerer, Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";
import { isInstalled } from "./is_installed.ts";

const NGINX_CONF = fromFileUrl(new URL("../../deploy/nginx.conf", import.meta.url));

/** How often another port is tried when somebody has taken the one that was free. */
const MAX_STARTS = 5;

/** How long a small file may take to be published, in milliseconds. */
const MAX_STORING_MS = 5_000;

const BODY = "0123456789abcdef";
const ETAG = '"of-the-mirror"';
/** A name with everything that may be decoded once too often or once too little. */
const ODD_PATH = "/debian/pool/a%20b+c%25d%23e~f%3Ag_%C3%BC.deb";

const ignore = !await isInstalled("nginx");
if (ignore) {
  Deno.stderr.writeSync(new TextEncoder().encode("Skipped: no nginx here, deploy/nginx.conf\n"));
}

Deno.test({ name: "nginx accepts deploy/nginx.conf", ignore }, async () => {
  await using folder = await tempDir();
  const conf = await writeConf(folder.path, { port: 1, proxy: "127.0.0.1:1", dataDir: "/srv" });
  const args = ["-t", "-p", folder.path, "-c", conf];
  const { code, stderr } = await new Deno.Command("nginx", { args }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});

for (const path of [ODD_PATH, "/plain.deb", "/with/query?version=1%2B2&x=%20", "/folder/"]) {
  Deno.test({ name: `nginx sends a stored ${path}`, ignore }, async () => {
    await using setup = await start(deb);
    const miss = await setup.get(path);
    assertEquals(miss.text, BODY);
    assertEquals(miss.response.headers.get("x-cache"), "MISS");
    assertEquals(miss.response.headers.get("x-sent-by"), null);

    await setup.stored(path);
    const hit = await setup.get(path);
    assertEquals(hit.text, BODY);
    assertEquals(hit.response.headers.get("x-sent-by"), "nginx");
    assertEquals(setup.origin.seen.length, 1);
  });
}

Deno.test({ name: "nginx sends a stored file with the fields of the mirror", ignore }, async () => {
  await using setup = await start(deb);
  await setup.stored(ODD_PATH);
  const { response } = await setup.get(ODD_PATH);
  const fields = Object.fromEntries(response.headers);
  assertEquals(fields["etag"], ETAG);
  assertEquals(fields["last-modified"], "Thu, 01 Jan 2026 00:00:00 GMT");
  assertEquals(fields["content-type"], "application/vnd.debian.binary-package");
  assertEquals(fields["content-length"], String(BODY.length));
  assertEquals(fields["content-language"], "eo");
  assertEquals(fields["cache-control"], "max-age=60");
  assertStringIncludes(fields["accept-ranges"] ?? "", "bytes");
  assertEquals(fields["x-cache"], "HIT");
  assertStringIncludes(fields["cache-status"] ?? "", "cache-proxy; hit");
  assertEquals(fields["via"], "1.1 cache-proxy");
  assertEquals(fields["age"], "0");
});

Deno.test({ name: "nginx sends an encoded body as encoded", ignore }, async () => {
  await using setup = await start(() =>
    new Response(new Uint8Array([31, 139, 8]), { headers: { "content-encoding": "x-own" } })
  );
  await setup.stored("/a.gz");
  const { response } = await setup.get("/a.gz");
  assertEquals(response.headers.get("x-sent-by"), "nginx");
  assertEquals(response.headers.get("content-encoding"), "x-own");
});

const RANGES: readonly (readonly [Record<string, string>, status: number, text: string])[] = [
  [{ range: "bytes=2-5" }, 206, "2345"],
  [{ range: "bytes=-3" }, 206, "def"],
  [{ range: "bytes=2-5", "if-range": ETAG }, 206, "2345"],
  [{ range: "bytes=2-5", "if-range": '"another"' }, 200, BODY],
  [{ range: "bytes=99-" }, 416, ""],
  [{ "if-none-match": ETAG }, 304, ""],
  [{ "if-none-match": '"another"' }, 200, BODY],
];

for (const [headers, status, text] of RANGES) {
  Deno.test({ name: `nginx answers ${JSON.stringify(headers)} on a hit`, ignore }, async () => {
    await using setup = await start(deb);
    await setup.stored(ODD_PATH);
    const answer = await setup.get(ODD_PATH, { headers });
    assertEquals([answer.response.status, answer.text], [status, text]);
  });
}

Deno.test(
  { name: "nginx sends no stored file without cache-proxy's word", ignore },
  async () => {
    await using setup = await start(deb);
    await setup.stored("/plain.deb");
    const direct = await setup.get("/stored-by-cache-proxy/plain.deb");
    assertEquals(direct.response.status, 404);
    const forged = await setup.get("/plain.deb", { headers: { "x-accel-location": "/elsewhere" } });
    assertEquals([forged.response.status, forged.text], [200, BODY]);
    assertEquals(forged.response.headers.get("x-accel-redirect"), null);
  },
);

const deb: Answerer = () =>
  new Response(BODY, {
    headers: {
      etag: ETAG,
      "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
      "content-type": "application/vnd.debian.binary-package",
      "content-language": "eo",
      "cache-control": "max-age=60",
    },
  });

interface Setup extends AsyncDisposable {
  readonly origin: Origin;
  /** Fetches by way of nginx. */
  get(path: string, init?: RequestInit): Promise<{ response: Response; text: string }>;
  /** Fetches until the answer is a hit: a body's last byte comes before its file is published. */
  stored(path: string): Promise<void>;
}

/** nginx in front of cache-proxy, configured as deploy/nginx.conf says, in front of a mirror. */
async function start(answer: Answerer): Promise<Setup> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(new Origin(answer));
  const { listen: _, storage } = await documentedConfig();
  const { path: __, ...local } = storage.local;
  const proxy = stack.use(await TestProxy.start({ upstreams: [origin.url], local }));
  const folder = stack.use(await tempDir());
  const nginx = stack.use(await startNginx(folder.path, proxy));
  const parts = stack.move();
  const get: Setup["get"] = async (path, init) => {
    const response = await fetch(nginx.url + path, init);
    return { response, text: await response.text() };
  };
  return {
    origin,
    get,
    async stored(path) {
      const deadline = performance.now() + MAX_STORING_MS;
      while ((await get(path)).response.headers.get("x-cache") !== "HIT") {
        assert(performance.now() < deadline, `${path} does not become a hit`);
      }
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** The lines of YAML in the comment at the head of deploy/nginx.conf. */
async function documentedConfig(): Promise<{
  listen: unknown;
  storage: { local: Readonly<Record<string, unknown>> };
}> {
  const text = await Deno.readTextFile(NGINX_CONF);
  const yaml = /^# {3}listen:\n(?:# {3}.*\n)*/m.exec(text)?.[0] ?? "";
  return parse(yaml.replaceAll(/^# {3}/gm, "")) as Awaited<ReturnType<typeof documentedConfig>>;
}

async function startNginx(
  folder: string,
  proxy: TestProxy,
): Promise<AsyncDisposable & { readonly url: string }> {
  for (let starts = 1;; starts++) {
    const port = freePort();
    const place = { port, proxy: `127.0.0.1:${proxy.port}`, dataDir: proxy.dataDir };
    const args = ["-p", folder, "-c", await writeConf(folder, place)];
    const child = new Deno.Command("nginx", { args, stdout: "null", stderr: "piped" }).spawn();
    const log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    // Its notices come when it is listening.
    const output = await readUntil(log, "[notice]");
    const drained = readUntil(log, null);
    if (output.includes("[notice]")) {
      return {
        url: `http://127.0.0.1:${port}`,
        async [Symbol.asyncDispose]() {
          child.kill("SIGTERM");
          await Promise.all([child.status, drained]);
        },
      };
    }
    await Promise.all([child.status, drained]);
    assert(output.includes("Address already in use") && starts < MAX_STARTS, output);
  }
}

/** Reads until the text has come, or to the end. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  text: string | null,
): Promise<string> {
  for (let read = "";;) {
    const { value, done } = await reader.read();
    if (done) return read;
    read += value;
    if (text !== null && read.includes(text)) return read;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Writes deploy/nginx.conf with what belongs to the machine replaced by what belongs to the test. */
async function writeConf(
  folder: string,
  place: { readonly port: number; readonly proxy: string; readonly dataDir: string },
): Promise<string> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const replacements: readonly (readonly [string, string])[] = [
    ["user www-data;", "daemon off; master_process off; error_log stderr notice;"],
    ["pid /run/nginx.pid;", `pid ${folder}/nginx.pid;`],
    ["\nhttp {", `\nhttp { access_log off; ${temporary}`],
    ["server 127.0.0.1:8881;", `server ${place.proxy};`],
    ["listen 80;", `listen 127.0.0.1:${place.port};`],
    ["alias /srv/cache-proxy/;", `alias ${place.dataDir}/; add_header X-Sent-By nginx;`],
  ];
  let text = await Deno.readTextFile(NGINX_CONF);
  for (const [from, to] of replacements) {
    assertStringIncludes(text, from);
    text = text.replace(from, () => to);
  }
  const conf = join(folder, "nginx.conf");
  await Deno.writeTextFile(conf, text);
  return conf;
}
