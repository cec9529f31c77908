import { assertEquals } from "@std/assert";
import { Origin } from "../../support/origin.ts";
import { TestProxy } from "../../support/test_proxy.ts";

/** What a client finds in `config.json`, given what the index has there. */
async function served(
  configOf: (crates: string, index: string) => Readonly<Record<string, unknown>>,
  cratesPath = "",
): Promise<{ readonly config: Record<string, unknown>; readonly url: string }> {
  await using crates = new Origin(() => new Response("a crate"));
  await using index: Origin = new Origin(() =>
    Response.json(configOf(crates.url, index.url), { headers: { etag: '"v1"' } })
  );
  await using proxy = await TestProxy.start({
    upstreams: [
      {
        server: index.url,
        name: "index",
        preset: "cargo",
        at: "/index",
        files: { [new URL(crates.url).host]: "crates" },
      },
      { server: crates.url + cratesPath, name: "crates", preset: "cargo", at: "/crates" },
    ],
  });
  const { text } = await proxy.get("/index/config.json");
  return { config: JSON.parse(text), url: proxy.url };
}

Deno.test("cargo: dl and api lead to us, without markers", async () => {
  const { config, url } = await served((crates, index) => ({
    dl: `${crates}/api/v1/crates`,
    api: index,
    "auth-required": false,
  }));
  assertEquals(config, {
    dl: `${url}/crates/api/v1/crates`,
    api: `${url}/index`,
    "auth-required": false,
  });
});

Deno.test("cargo: dl keeps its markers", async () => {
  const { config, url } = await served((crates) => ({
    dl: `${crates}/{prefix}/{lowerprefix}/{crate}/{version}/{sha256-checksum}.crate`,
  }));
  assertEquals(
    config["dl"],
    `${url}/crates/{prefix}/{lowerprefix}/{crate}/{version}/{sha256-checksum}.crate`,
  );
});

Deno.test("cargo: dl may be just where an upstream begins", async () => {
  const { config, url } = await served((crates) => ({ dl: `${crates}/files` }), "/files");
  assertEquals(config["dl"], `${url}/crates`);
});

Deno.test("cargo: what leads elsewhere stays", async () => {
  const elsewhere = { dl: "https://elsewhere.test/{crate}", api: "https://elsewhere.test" };
  assertEquals((await served(() => elsewhere)).config, elsewhere);
  const perCrate = { dl: "https://{crate}.elsewhere.test/x" };
  assertEquals((await served(() => perCrate)).config, perCrate);
});
