import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parse } from "@std/yaml";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";
import { isInstalled } from "./is_installed.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const DOCKERFILE = await Deno.readTextFile(join(ROOT, "Dockerfile"));

const ignore = !await isInstalled("bash", "--version");
if (ignore) Deno.stderr.writeSync(new TextEncoder().encode("Skipped: no bash, health check\n"));

Deno.test({ name: "the health check passes for a proxy and asks no mirror", ignore }, async () => {
  await using origin = new Origin(() => new Response("never asked"));
  await using proxy = await TestProxy.start({ upstreams: [origin.url] });
  assertEquals(await checkHealth(proxy.port), 0);
  assertEquals(origin.seen, []);
});

Deno.test({ name: "the health check fails where nobody listens", ignore }, async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  assertNotEquals(await checkHealth(port), 0);
});

Deno.test({ name: "the health check fails when the server says nothing", ignore }, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const checked = checkHealth((listener.addr as Deno.NetAddr).port);
  (await accepted).close();
  assertNotEquals(await checked, 0);
});

Deno.test("the image is built from files that are there and not ignored", async () => {
  const ignored = (await Deno.readTextFile(join(ROOT, ".dockerignore"))).split("\n");
  for (const [, sources = ""] of DOCKERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of sources.split(" ")) {
      await Deno.stat(join(ROOT, source));
      assert(ignored.includes(`!${source}`), `${source} in .dockerignore`);
    }
  }
});

Deno.test("the image runs the program as an ordinary user", () => {
  assertMatch(DOCKERFILE, /^USER 65532:65532$/m);
  assertMatch(DOCKERFILE, /^VOLUME \/data$/m);
  assertMatch(DOCKERFILE, /^EXPOSE 8881$/m);
  assertMatch(DOCKERFILE, /^ENTRYPOINT \["\/usr\/local\/bin\/cache-proxy"\]$/m);
});

Deno.test("compose.yaml runs the image with its volume and without privileges", async () => {
  const { services, volumes } = parse(await Deno.readTextFile(join(ROOT, "compose.yaml"))) as {
    services: Record<string, Record<string, unknown>>;
    volumes: Record<string, unknown>;
  };
  const service = services["cache-proxy"] ?? {};
  assertEquals(service["read_only"], true);
  assertEquals(service["cap_drop"], ["ALL"]);
  assertEquals(service["ports"], ["8881:8881"]);
  assertEquals(Object.keys(volumes), ["data"]);
  assert((service["volumes"] as string[]).includes("data:/data"));
});

/** Runs the HEALTHCHECK of the Dockerfile against another port; gives its exit code. */
async function checkHealth(port: number): Promise<number> {
  const json = /^HEALTHCHECK [^\n]*\\\n\s*CMD (\[.*\])$/m.exec(DOCKERFILE)?.[1] ?? "[]";
  const [program = "", ...args]: string[] = JSON.parse(json);
  const command = new Deno.Command(program, {
    args: args.map((arg) => arg.replace("8881", String(port))),
    stdout: "null",
    stderr: "null",
  });
  return (await command.output()).code;
}
