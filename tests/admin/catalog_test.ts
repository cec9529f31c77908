import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type CatalogItem, catalogPage } from "../../src/server/admin/catalog.ts";
import type { ListedEntry } from "../../src/storage/entry_index.ts";
import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** Counts what is read. */
class Keys {
  rows = 0;
  readonly #keys: readonly string[];

  constructor(keys: readonly string[]) {
    this.#keys = [...new Set(keys)].sort();
  }

  list(after: string, count: number): ListedEntry[] {
    const rows = this.#keys.filter((key) => key > after).slice(0, count);
    this.rows += rows.length;
    return rows.map((key) => ({ entry: { key }, lastUsed: 0, hits: 0 } as unknown as ListedEntry));
  }
}

function nameOf(item: CatalogItem): string {
  return item.kind === "folder" ? item.prefix : item.listed.entry.key;
}

/** What the catalog says, by going through all keys. */
function model(keys: readonly string[], prefix: string): string[] {
  const names = keys.filter((key) => key.startsWith(prefix)).map((key) => {
    const [path = ""] = key.split("?");
    const slash = path.indexOf("/", prefix.length);
    return slash === -1 ? key : key.slice(0, slash + 1);
  });
  return [...new Set(names)].sort();
}

Deno.test("all pages together are what is in the folder, whatever is cached and asked for", () => {
  const key = fc.array(fc.constantFrom("/", "a", "b", "?", "~", "\n"), { maxLength: 6 })
    .map((parts) => "/" + parts.join(""));
  const prefix = fc.array(fc.constantFrom("/", "a", "b"), { maxLength: 3 })
    .map((parts) => "/" + parts.join(""));
  fc.assert(
    fc.property(fc.array(key, { maxLength: 40 }), prefix, fc.integer({ min: 1, max: 5 }), run),
    { numRuns: 500 },
  );

  function run(keys: string[], prefix: string, limit: number): void {
    const lister = new Keys(keys);
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const page = catalogPage(lister, prefix, cursor, limit);
      names.push(...page.items.map(nameOf));
      if (page.cursor !== null) assertEquals(page.items.length, limit);
      cursor = page.cursor;
    } while (cursor !== null);
    assertEquals(names, model(keys, prefix));
  }
});

Deno.test("what is in the folders of a page is not read", () => {
  const keys = ["a", "b", "c"].flatMap((folder) =>
    Array.from({ length: 1000 }, (_, at) => `/${folder}/${String(at).padStart(4, "0")}`)
  );
  const lister = new Keys(keys);
  assertEquals(catalogPage(lister, "/", null, 100).items.map(nameOf), ["/a/", "/b/", "/c/"]);
  assertEquals(lister.rows, 3);
});

Deno.test("the catalog shows folders, and entries with what is known of them", async () => {
  await using origin = new Origin(fileAnswer("hello"));
  const upstreams = [{ server: origin.url, name: "toy" }];
  const config = { cache: { policies: [{ match: "\\.deb$", "refresh-after": "never" }] } };
  await using proxy = await TestProxy.start({ upstreams, config });
  for (const path of ["/debian/a.deb", "/debian/b?x=/y", "/debian/pool/c", "/ubuntu/d%20e"]) {
    await proxy.get(path);
    await proxy.settled();
  }
  for (let count = 0; count < 2; count++) await proxy.get("/debian/a.deb");
  const at = async (query: string) => {
    const response = await fetch(`${proxy.adminUrl}/catalog${query}`);
    return { status: response.status, ...await response.json() };
  };
  const top = await at("");
  assertEquals(top.items, [{ folder: "/debian/" }, { folder: "/ubuntu/" }]);
  const { items, cursor } = await at("?prefix=/debian/");
  assertEquals(cursor, null);
  const [deb, query, pool] = items;
  assertEquals([query.path, pool], ["/debian/b?x=/y", { folder: "/debian/pool/" }]);
  const { stored, validated, lastUsed, ...rest } = deb;
  const facts = { path: "/debian/a.deb", status: 200, size: 5, vary: {}, upstream: "toy" };
  assertEquals(rest, { ...facts, hits: 2, freshForSeconds: null });
  for (const instant of [stored, validated, lastUsed]) {
    assertEquals(new Date(instant).toISOString(), instant);
  }
  assertEquals(query.freshForSeconds > 3500 && query.freshForSeconds <= 3600, true);

  const first = await at("?prefix=/debian/&limit=1");
  assertEquals(first.items, [deb]);
  const second = await at(`?prefix=/debian/&limit=5&cursor=${first.cursor}`);
  assertEquals([second.items, second.cursor], [[query, pool], null]);
  for (const spelled of ["/ubuntu/d%20", "/ubuntu/d%2520"]) {
    assertEquals((await at(`?prefix=${spelled}`)).items[0]?.path, "/ubuntu/d%20e", spelled);
  }
  for (const wrong of ["?prefix=debian", "?limit=0", "?limit=1001", "?limit=x"]) {
    assertEquals((await at(wrong)).status, 400, wrong);
  }
});
