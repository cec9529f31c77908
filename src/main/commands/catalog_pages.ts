import type { AdminClient } from "./admin_client.ts";

/** Items of a page: as many as the proxy gives. */
const PAGE_ITEMS = 1000;

/** A copy in the cache, as the catalog tells of it. */
export interface CatalogEntry {
  readonly path: string;
  readonly status: number;
  readonly size: number;
  readonly vary: Readonly<Record<string, string>>;
  /** null: the file was put there by somebody else. */
  readonly upstream: string | null;
  readonly stored: string;
  readonly validated: string;
  readonly lastUsed: string;
  readonly hits: number;
  /** At most 0: it has to be validated; null: for ever. */
  readonly freshForSeconds: number | null;
}

/** What stands in a folder of the cache. */
export type CatalogItem = { readonly folder: string } | CatalogEntry;

interface CatalogPage {
  readonly items: readonly CatalogItem[];
  readonly cursor: string | null;
}

/** What is cached below a prefix, a folder at a time, page by page. */
export async function* catalogPages(
  client: AdminClient,
  prefix: string,
): AsyncGenerator<readonly CatalogItem[], void> {
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ prefix, limit: String(PAGE_ITEMS) });
    if (cursor !== null) query.set("cursor", cursor);
    const target = `/catalog?${query}`;
    const keys = ["items", "cursor"] as const;
    const page: CatalogPage = await client.json<CatalogPage>({ method: "GET", target }, keys);
    yield page.items;
    cursor = page.cursor;
  } while (cursor !== null);
}
