import { assertEquals, assertMatch } from "@std/assert";
import { fileAnswer } from "../support/answers.ts";
import { Gate } from "../support/gate.ts";
import { Origin, RawOrigin } from "../support/origin.ts";
import { rawRequest } from "../support/raw_client.ts";
import { TestProxy } from "../support/test_proxy.ts";

Deno.test("a mirror sees our headers and nothing of the client's", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const headers = {
    accept: "application/vnd.npm.install-v1+json",
    "accept-encoding": "gzip",
    "accept-language": "de",
    authorization: "Basic c2VjcmV0",
    cookie: "session=secret",
    referer: "http://intranet.test/",
    "user-agent": "apt",
    "x-forwarded-for": "10.0.0.1",
    "x-custom": "1",
    via: "1.1 squid",
  };
  await proxy.get("/x", { headers });
  const { host, via, ...rest } = Object.fromEntries(origin.seen[0]?.headers ?? []);
  assertEquals(host, new URL(origin.url).host);
  assertMatch(via ?? "", /^1\.1 cache-proxy-[0-9a-f]{8}$/);
  assertEquals(rest, {
    accept: "*/*",
    "accept-encoding": "identity",
    "accept-language": rest["accept-language"] ?? "*",
    "user-agent": "cache-proxy/0.0.0",
  });
  assertEquals(rest["accept-language"], "*");
});

Deno.test("HEAD is asked with HEAD, and with the same headers", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  await proxy.get("/x", { method: "HEAD" });
  await proxy.get("/x");
  assertEquals(origin.seen.map(({ method }) => method), ["HEAD", "GET"]);
  assertEquals([...origin.seen[0]?.headers ?? []], [...origin.seen[1]?.headers ?? []]);
});

Deno.test("an upstream's own headers go to that upstream alone", async () => {
  await using secret = new Origin(fileAnswer("hello"));
  await using plain = new Origin(async (seen, request) => {
    await secret.asked.reaches(1);
    return fileAnswer("hello")(seen, request);
  });
  await using proxy = await TestProxy.start({
    upstreams: [
      {
        server: secret.url,
        headers: { Authorization: "Bearer s3cret", "User-Agent": "apt/2", "X-Token": "t" },
      },
      plain.url,
    ],
  });
  await proxy.get("/x");
  await plain.asked.reaches(1);
  const told = secret.seen[0]?.headers;
  assertEquals(told?.get("authorization"), "Bearer s3cret");
  assertEquals([told?.get("x-token"), told?.get("user-agent")], ["t", "apt/2"]);
  assertEquals(plain.seen[0]?.headers.get("authorization"), null);
  assertEquals(plain.seen[0]?.headers.get("user-agent"), "cache-proxy/0.0.0");
});

const SPELLINGS = [
  "/a+b",
  "/a%2Bb",
  "/a%2bb",
  "/a~b",
  "/a%7Eb",
  "/a:b",
  "/a%3Ab",
  "/a%20b",
  "/a@b!$&'()*,;=",
  "/a%40b",
  "/caf%C3%A9",
  "/caf%c3%a9",
  "/100%25",
  "/a%2Fb",
  "/a//b/",
  "/x?a+b=%2B&c=~&d=:",
  "/x?",
  "/-._~",
];

Deno.test("FIELD: `+ ~ : %2B` in names: upstreams get the path as the client spelled it", async () => {
  await using origin = new RawOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  });
  for (const spelling of SPELLINGS) {
    await using proxy = await TestProxy.start({ upstreams: [`${origin.url}/base`] });
    const { status } = await rawRequest(proxy.port, `GET ${spelling} HTTP/1.1`, "Host: x");
    assertEquals(status, 200, spelling);
    const sent = spelling === "/x?" ? "/x" : spelling;
    assertEquals(origin.heads.at(-1)?.split("\r\n")[0], `GET /base${sent} HTTP/1.1`);
  }
});

Deno.test("FIELD: `+ ~ : %2B` in names: one file under all spellings, errors under their own", async () => {
  await using origin = new Origin((seen, request) =>
    seen.target === "/a%2Bb" || seen.target === "/c"
      ? fileAnswer("hello")(seen, request)
      : new Response("no such key", { status: 403 })
  );
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals((await proxy.get("/a+b")).response.status, 502);
  assertEquals((await proxy.get("/a%2Bb")).response.status, 200);
  await proxy.settled();
  const hit = await proxy.get("/a+b");
  assertEquals([hit.response.headers.get("x-cache"), hit.text], ["HIT", "hello"]);
  assertEquals(proxy.storedKeys(), ["/a+b"]);
  assertEquals(proxy.files(), ["a+b"]);
});

Deno.test("FIELD: `+ ~ : %2B` in names: a joiner of another spelling is not told its failure", async () => {
  const gate = new Gate();
  await using origin = new Origin(async (seen, request) => {
    if (seen.target === "/a%2Bb") return await fileAnswer("hello")(seen, request);
    await gate.opened;
    return new Response("no such key", { status: 403 });
  });
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  const first = proxy.get("/a+b");
  await origin.asked.reaches(1);
  const joining = proxy.get("/a%2Bb");
  // A round trip later it has joined.
  await proxy.get("/", { method: "POST" });
  gate.open();
  assertEquals((await joining).text, "hello");
  assertEquals((await first).response.status, 502);
});

Deno.test("path mapping: who is asked, and for what", async () => {
  await using debian = new Origin(({ target }) => new Response(`debian ${target}`));
  await using all = new Origin(({ target }) => new Response(`all ${target}`));
  await using proxy = await TestProxy.start({
    upstreams: [
      { server: debian.url, path: { match: "^/debian/(pool|dists)/", replace: "/$1/" } },
      { server: all.url, path: { match: "^/(other/.*)", replace: "/mirror/${1}" } },
    ],
  });
  const table: [path: string, status: number, text: string][] = [
    ["/debian/pool/x%2By", 200, "debian /pool/x%2By"],
    ["/other/x?q=1", 200, "all /mirror/other/x?q=1"],
  ];
  for (const [path, status, expected] of table) {
    const { response, text } = await proxy.get(path);
    assertEquals([response.status, text], [status, expected]);
  }
  assertEquals((await proxy.get("/debian/README")).response.status, 404);
});
