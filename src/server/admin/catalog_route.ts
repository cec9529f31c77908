import { Buffer } from "node:buffer";
import type { Cache } from "../../cache/cache.ts";
import { errorAnswer, jsonAnswer } from "./admin_answer.ts";
import { type CatalogItem, catalogPage } from "./catalog.ts";
import { prefixOf, wholeNumber } from "./query.ts";
import type { Route } from "./route.ts";

const DEFAULT_ITEMS = 100;
const MAX_ITEMS = 1000;

/** Shows what is cached, a folder at a time. */
export const catalogRoute: Route = {
  method: "GET",
  path: "/catalog",
  isOpen: false,
  summary: "What is cached, a folder at a time",
  parameters: [
    {
      name: "prefix",
      required: false,
      description: "The folder, with its slash at the end; any other prefix will do.",
      schema: { type: "string", pattern: "^/", default: "/" },
    },
    {
      name: "cursor",
      required: false,
      description: "The `cursor` of the page before; without it the first page.",
      schema: { type: "string" },
    },
    {
      name: "limit",
      required: false,
      description: "Folders and entries of one page.",
      schema: { type: "integer", minimum: 1, maximum: MAX_ITEMS, default: DEFAULT_ITEMS },
    },
  ],
  responses: {
    200:
      "Folders and entries in the order of their paths, and the cursor of the next page or null.",
    400: "A parameter is wrong; the answer says which.",
  },
  contentType: "application/json",
  handle({ query }, { storage, cache }) {
    const parameters = new URLSearchParams(query);
    const prefix = prefixOf(parameters.get("prefix") ?? "/");
    if (prefix === null) return errorAnswer(400, "prefix begins with a slash");
    const limit = wholeNumber(parameters.get("limit") ?? String(DEFAULT_ITEMS), 1, MAX_ITEMS);
    if (limit === null) return errorAnswer(400, `limit is a number from 1 to ${MAX_ITEMS}`);
    const cursor = parameters.get("cursor");
    const page = catalogPage(storage, prefix, cursor === null ? null : fromCursor(cursor), limit);
    const current = cache();
    return jsonAnswer(200, {
      prefix,
      items: page.items.map((item) => shown(item, current)),
      cursor: page.cursor === null ? null : toCursor(page.cursor),
    });
  },
};

function shown(item: CatalogItem, cache: Cache): Readonly<Record<string, unknown>> {
  if (item.kind === "folder") return { folder: item.prefix };
  const { entry, lastUsed, hits } = item.listed;
  const freshForMs = cache.freshForMs(entry);
  const [path] = entry.key.split("\n", 1);
  return {
    path,
    status: entry.status,
    size: entry.size,
    // What the request had that this answer is for; empty: it is for every request.
    vary: Object.fromEntries(entry.vary),
    upstream: entry.upstream,
    stored: instant(entry.storedAt),
    validated: instant(entry.validatedAt),
    lastUsed: instant(lastUsed),
    hits,
    freshForSeconds: freshForMs === null ? null : Math.floor(freshForMs / 1000),
  };
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

/** Opaque, so that it goes through URLs and shells as it is. */
function toCursor(after: string): string {
  return Buffer.from(after).toString("base64url");
}

function fromCursor(cursor: string): string {
  return Buffer.from(cursor, "base64url").toString();
}
