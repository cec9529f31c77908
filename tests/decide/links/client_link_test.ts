import { assertEquals } from "@std/assert";
import { behindBase, clientLink, type LinkContext } from "../../../src/decide/links/client_link.ts";
import { mapCargoTemplate } from "../../../src/decide/links/cargo_template.ts";

/** An index at https://index.test/simple, mounted at /pypi; its files at https://files.test. */
function context(publicBase = "http://cache:8881"): LinkContext {
  return {
    publicBase,
    clientUrl: new URL(`${publicBase}/pypi/six/`),
    mirrorUrl: new URL("https://index.test/simple/six/"),
    pathOf: ({ host, pathname, search }) => {
      if (host === "files.test") return `/files${pathname}${search}`;
      const below = host === "index.test" ? /^\/simple(\/.*)$/.exec(pathname)?.[1] : undefined;
      return below === undefined ? null : `/pypi${below}${search}`;
    },
    urlOf: (path) => path.startsWith("/pypi/") ? `https://index.test/simple${path.slice(5)}` : null,
  };
}

Deno.test("links to mirrors lead to us, others stay", () => {
  const cases: readonly (readonly [link: string, replaced: string | null])[] = [
    ["https://files.test/a.whl#sha256=00", "http://cache:8881/files/a.whl#sha256=00"],
    ["http://files.test/a.whl?x=1#y", "http://cache:8881/files/a.whl?x=1#y"],
    [" https://files.test/a%2Bb.whl ", "http://cache:8881/files/a%2Bb.whl"],
    ["//files.test/a.whl", "http://cache:8881/files/a.whl"],
    ["https://index.test/simple/x/", "http://cache:8881/pypi/x/"],
    ["https://elsewhere.test/a.whl", null],
    ["https://index.test/other", null],
    // They lead to the right place as they are.
    ["a.whl#sha256=00", null],
    ["../x/a.whl", null],
    ["?page=2", null],
    // They would lead to another place at us: to ours, or else past us.
    ["/simple/x/", "http://cache:8881/pypi/x/"],
    ["../../packages/a.whl#z", "https://index.test/packages/a.whl#z"],
    ["/packages/a.whl", "https://index.test/packages/a.whl"],
    ["", null],
    ["#top", null],
    ["mailto:a@files.test", null],
    ["javascript:void(0)", null],
    ["http://[", null],
  ];
  for (const [link, replaced] of cases) {
    assertEquals(clientLink(link, context()), replaced, link);
  }
});

Deno.test("behind a front server with a path of its own links keep that path", () => {
  const base = "https://front.test/cache";
  assertEquals(clientLink("https://files.test/a", context(base)), `${base}/files/a`);
  assertEquals(clientLink("a.whl", context(base)), null);
  assertEquals(clientLink("/simple/x", context(base)), `${base}/pypi/x`);
});

Deno.test("without the mirror's own address relative links stay", () => {
  const unknown = { ...context(), mirrorUrl: null };
  assertEquals(clientLink("/simple/x/", unknown), null);
  assertEquals(clientLink("https://files.test/a", unknown), "http://cache:8881/files/a");
});

Deno.test("behind a base relative links are read by it", () => {
  const elsewhere = behindBase("https://files.test/b/", context());
  assertEquals(clientLink("a.whl", elsewhere), "http://cache:8881/files/b/a.whl");
  const below = behindBase("sub/", context());
  assertEquals(clientLink("a.whl", below), null);
  assertEquals(clientLink("/packages/a", below), "https://index.test/packages/a");
});

Deno.test("cargo's templates keep their markers", () => {
  const map = (link: string): string | null =>
    URL.parse(link)?.pathname.startsWith("/crates/") ? `ours:${new URL(link).pathname}` : null;
  const cases: readonly (readonly [string, string | null])[] = [
    ["https://static.test/crates", "ours:/crates"],
    ["https://static.test/crates/", "ours:/crates/"],
    ["https://static.test/other", null],
    [
      "https://static.test/crates/{crate}/{version}/download",
      "ours:/crates/{crate}/{version}/download",
    ],
    [
      "https://static.test/crates/{prefix}/{lowerprefix}/{crate}-{sha256-checksum}.crate",
      "ours:/crates/{prefix}/{lowerprefix}/{crate}-{sha256-checksum}.crate",
    ],
    ["https://{crate}.test/crates/x", null],
    ["no url {crate}", null],
  ];
  for (const [template, mapped] of cases) {
    assertEquals(mapCargoTemplate(template, map), mapped, template);
  }
});
