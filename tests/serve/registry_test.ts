import { createHash } from "node:crypto";
import { assertEquals, assertMatch } from "@std/assert";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin, type SeenRequest } from "../support/origin.ts";
import { TestProxy, type TestProxyOptions } from "../support/test_proxy.ts";

const BLOB = "what an image is made of";
const DIGEST = `sha256:${createHash("sha256").update(BLOB).digest("hex")}`;
const INDEX = "application/vnd.oci.image.index.v1+json";

/** A registry that hands out tokens for five minutes, and its blobs by way of another host. */
class Registry implements AsyncDisposable {
  /** Which token each repository wants now. */
  readonly tokens = new Map<string, string>();
  manifest = "one";
  /** Where tokens are to be had; null: here. */
  realm: string | null = null;
  readonly origin = new Origin((request) => this.#answer(request));
  readonly cdn = new Origin(() => new Response(BLOB));
  #issued = 0;

  count(method: string, path: RegExp): number {
    return this.origin.seen.filter((s) => s.method === method && path.test(s.target)).length;
  }

  #answer({ method, target, headers }: SeenRequest): Response {
    const url = new URL(target, this.origin.url);
    if (url.pathname === "/token") return this.issue(url);
    const [, name = ""] = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname) ?? [];
    const scope = `repository:${name}:pull`;
    if (headers.get("authorization") !== `Bearer ${this.tokens.get(scope)}`) {
      const realm = this.realm ?? `${this.origin.url}/token`;
      const challenge = `Bearer realm="${realm}",service="registry",scope="${scope}"`;
      return new Response("no", { status: 401, headers: { "www-authenticate": challenge } });
    }
    if (url.pathname.includes("/blobs/")) return Response.redirect(`${this.cdn.url}/blob`, 307);
    const described = { "content-type": INDEX, "docker-content-digest": `sha256:${this.manifest}` };
    return new Response(method === "HEAD" ? null : this.manifest, { headers: described });
  }

  issue(url: URL): Response {
    const token = `token-${++this.#issued}`;
    this.tokens.set(url.searchParams.get("scope") ?? "", token);
    return Response.json({ token, expires_in: 300 });
  }

  async start(
    entry: Readonly<Record<string, unknown>> = {},
    options: Partial<TestProxyOptions> = {},
  ): Promise<TestProxy> {
    const upstream = {
      server: this.origin.url,
      preset: "oci",
      at: "/",
      "allowed-redirect": "^http://127\\.0\\.0\\.1:",
    };
    return await TestProxy.start({ upstreams: [{ ...upstream, ...entry }], ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.origin[Symbol.asyncDispose](), this.cdn[Symbol.asyncDispose]()]);
  }
}

Deno.test("a registry's token is fetched when it asks for one, and used until it expires", async () => {
  await using registry = new Registry();
  const clock = new ManualClock();
  await using proxy = await registry.start({}, { clock });
  const { response, text } = await proxy.get("/v2/a/b/manifests/one");
  assertEquals([response.status, text], [200, "one"]);
  assertEquals(response.headers.get("docker-content-digest"), "sha256:one");
  assertEquals(registry.origin.seen.map(({ method, target }) => `${method} ${target}`), [
    "GET /v2/a/b/manifests/one",
    "GET /token?service=registry&scope=repository%3Aa%2Fb%3Apull",
    "GET /v2/a/b/manifests/one",
  ]);
  await proxy.get("/v2/a/b/manifests/two");
  assertEquals(registry.count("GET", /^\/token/), 1);
  assertEquals(registry.count("GET", /two$/), 1);
  // Another repository takes another token.
  await proxy.get("/v2/c/manifests/one");
  assertEquals(registry.count("GET", /^\/token/), 2);
  clock.advance(5 * 60_000);
  await proxy.get("/v2/a/b/manifests/three");
  assertEquals(registry.count("GET", /^\/token/), 3);
});

Deno.test("a token that the registry no longer takes is replaced once", async () => {
  await using registry = new Registry();
  await using proxy = await registry.start();
  await proxy.get("/v2/a/manifests/one");
  registry.tokens.set("repository:a:pull", "another");
  assertEquals((await proxy.get("/v2/a/manifests/two")).response.status, 200);
  assertEquals(registry.count("GET", /^\/token/), 2);
});

Deno.test("requests that need one token at once make one request for it", async () => {
  await using registry = new Registry();
  await using proxy = await registry.start();
  const tags = Array.from({ length: 20 }, (_, index) => `/v2/a/manifests/tag-${index}`);
  const answers = await Promise.all(tags.map((path) => proxy.get(path)));
  assertEquals(answers.map(({ response }) => response.status), tags.map(() => 200));
  assertEquals(registry.count("GET", /^\/token/), 1);
});

Deno.test("blobs come from where the registry sends us, without the token, once for all names", async () => {
  await using registry = new Registry();
  await using proxy = await registry.start();
  const first = await proxy.get(`/v2/a/blobs/${DIGEST}`);
  assertEquals([first.response.status, first.text], [200, BLOB]);
  assertEquals(registry.cdn.seen.map(({ headers }) => headers.get("authorization")), [null]);
  await proxy.stored(`/v2/-/blobs/${DIGEST}`);
  const asked = registry.origin.seen.length;
  const second = await proxy.get(`/v2/other/name/blobs/${DIGEST}?ns=registry.example.org`);
  assertEquals([second.text, second.response.headers.get("x-cache")], [BLOB, "HIT"]);
  assertEquals(registry.origin.seen.length, asked);
});

Deno.test("a tag is refreshed by a HEAD, and fetched when it stands for something else", async () => {
  await using registry = new Registry();
  const clock = new ManualClock();
  await using proxy = await registry.start({}, { clock });
  await proxy.get("/v2/a/manifests/latest");
  await proxy.settled();
  clock.advance(2 * 60_000);
  const same = await proxy.get("/v2/a/manifests/latest");
  assertEquals([same.text, same.response.headers.get("x-cache")], ["one", "REVALIDATED"]);
  assertEquals(registry.count("HEAD", /latest$/), 1);
  // The first of the two was refused for lack of a token.
  assertEquals(registry.count("GET", /latest$/), 2);
  registry.manifest = "two";
  clock.advance(2 * 60_000);
  const changed = await proxy.get("/v2/a/manifests/latest");
  assertEquals([changed.text, changed.response.headers.get("x-cache")], ["two", "MISS"]);
  assertEquals(changed.response.headers.get("docker-content-digest"), "sha256:two");
});

Deno.test("a manifest is asked for in all of its forms where no client says which it takes", async () => {
  await using registry = new Registry();
  await using proxy = await registry.start();
  await proxy.get(`/v2/a/manifests/${DIGEST}`);
  const accept = registry.origin.seen.at(-1)?.headers.get("accept") ?? "";
  assertMatch(accept, /vnd\.oci\.image\.index\.v1\+json.*distribution\.manifest\.v2\+json/);
});

Deno.test("a tag has a form for each client, and a HEAD asks for that form", async () => {
  const accepts: (string | null)[] = [];
  await using registry = new Origin(({ method, headers }) => {
    accepts.push(headers.get("accept"));
    const form = headers.get("accept")?.includes(INDEX) ? "index" : "manifest";
    const described = { "docker-content-digest": `sha256:${form}`, "content-type": form };
    return new Response(method === "HEAD" ? null : form, { headers: described });
  });
  const clock = new ManualClock();
  const upstreams = [{ server: registry.url, preset: "oci", at: "/" }];
  await using proxy = await TestProxy.start({ upstreams, clock });
  const get = async (accept: string): Promise<string> =>
    (await proxy.get("/v2/a/manifests/latest", { headers: { accept } })).text;
  const one = "application/vnd.docker.distribution.manifest.v2+json";
  assertEquals([await get(`${INDEX}, ${one}`), await get(one)], ["index", "manifest"]);
  await proxy.settled();
  assertEquals([await get(`${INDEX}, ${one}`), await get(one)], ["index", "manifest"]);
  assertEquals(registry.seen.length, 2);
  clock.advance(2 * 60_000);
  assertEquals([await get(`${INDEX}, ${one}`), await get(one)], ["index", "manifest"]);
  assertEquals(registry.seen.map(({ method }) => method), ["GET", "GET", "HEAD", "HEAD"]);
  assertEquals(accepts.slice(2), accepts.slice(0, 2));
});

Deno.test("user and password go to the registry's own host, or to the named token server", async () => {
  const auth = { user: "me", password: "secret" };
  const basic = `Basic ${btoa("me:secret")}`;
  await using registry = new Registry();
  await using tokenServer = new Origin((seen) =>
    registry.issue(new URL(seen.target, "http://token.test"))
  );
  const authorizations = (origin: Origin, path: RegExp): unknown[] =>
    origin.seen.filter(({ target }) => path.test(target)).map(({ headers }) =>
      headers.get("authorization")
    );
  {
    await using proxy = await registry.start({ auth, "cache-private": true });
    assertEquals((await proxy.get("/v2/a/manifests/one")).response.status, 200);
    assertEquals(authorizations(registry.origin, /^\/token/), [basic]);
  }
  registry.realm = `${tokenServer.url}/auth/token`;
  {
    await using proxy = await registry.start({ auth, "cache-private": true });
    assertEquals((await proxy.get("/v2/b/manifests/one")).response.status, 200);
    assertEquals(authorizations(tokenServer, /./), [null]);
  }
  {
    const entry = { auth, "cache-private": true, "token-realm": `^${tokenServer.url}/auth/` };
    await using proxy = await registry.start(entry);
    assertEquals((await proxy.get("/v2/c/manifests/one")).response.status, 200);
    assertEquals(authorizations(tokenServer, /./), [null, basic]);
  }
  {
    await using proxy = await registry.start({ auth, "allowed-redirect": "^https://" });
    const { response, text } = await proxy.get("/v2/d/manifests/one");
    assertEquals(response.status, 502);
    assertMatch(text, /token server http:\/\/127\.0\.0\.1:\d+ is not allowed/);
    assertEquals(tokenServer.seen.length, 2);
  }
});

Deno.test("a token server in trouble is named, and nothing that it says is passed on", async () => {
  const answers: [answer: () => Response, said: RegExp][] = [
    [() => new Response("secret", { status: 403 }), /token server \S+ answered 403/],
    [() => Response.redirect("http://127.0.0.1:1/"), /token server \S+ answered 302/],
    [() => new Response("secret"), /token server \S+ gave no token/],
    [() => new Response("x".repeat(300_000)), /token server's answer is too long/],
  ];
  for (const [answer, said] of answers) {
    await using registry = new Registry();
    await using tokenServer = new Origin(answer);
    registry.realm = `${tokenServer.url}/token`;
    await using proxy = await registry.start();
    const { response, text } = await proxy.get("/v2/a/manifests/one");
    assertEquals(response.status, 502);
    assertMatch(text, said);
    assertEquals(text.includes("secret"), false);
  }
});

Deno.test("the base of the API is answered without a registry, and nothing is pushed or deleted", async () => {
  await using registry = new Registry();
  await using proxy = await registry.start({ at: "/v2/other" });
  for (const path of ["/v2/", "/v2", "/v2/?ns=registry.example.org"]) {
    const { response, text } = await proxy.get(path);
    assertEquals([response.status, JSON.parse(text)], [200, {}]);
    assertEquals(response.headers.get("docker-distribution-api-version"), "registry/2.0");
  }
  for (
    const [method, path] of [["POST", "/v2/other/a/blobs/uploads/"], ["DELETE", "/v2/other/a"]]
  ) {
    const { response } = await proxy.get(path ?? "", { method: method ?? "" });
    assertEquals(response.status, 405);
  }
  assertEquals(registry.origin.seen.length, 0);
});
