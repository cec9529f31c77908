import { parseTarget } from "../../decide/parse_target.ts";
import type { Target } from "../../types.ts";
import { errorAnswer, jsonAnswer } from "./admin_answer.ts";
import { catalogRoute } from "./catalog_route.ts";
import { purgeKey, purgePrefix } from "./purge.ts";
import { prefixOf } from "./query.ts";
import { refresh } from "./refresh.ts";
import type { Route } from "./route.ts";

const BAD_PATH = "The path is no path of a client; the answer says why.";

/** What looks into the cache and changes it. */
export const CACHE_ROUTES: readonly Route[] = [
  catalogRoute,
  {
    method: "DELETE",
    path: "/cache",
    isOpen: false,
    summary: "Removes all copies below a prefix",
    parameters: [{
      name: "prefix",
      required: true,
      description: "What their paths begin with: `/debian/` for a folder, `/` for everything.",
      schema: { type: "string", pattern: "^/" },
    }],
    responses: {
      200: "`removed` copies have gone; `complete` tells whether these are all.",
      400: "There is no prefix, or it does not begin with a slash.",
    },
    contentType: "application/json",
    async handle({ query, signal }, { storage, cache }) {
      const prefix = prefixOf(new URLSearchParams(query).get("prefix"));
      if (prefix === null) return errorAnswer(400, "prefix is needed and begins with a slash");
      return jsonAnswer(200, await purgePrefix(storage, cache(), prefix, signal));
    },
  },
  {
    method: "DELETE",
    path: "/cache/{path}",
    isOpen: false,
    summary: "Removes the copies of one path, its variants included",
    parameters: [],
    responses: {
      200: "`removed` copies have gone; 0 when there was none.",
      400: BAD_PATH,
      414: "The path is too long.",
    },
    contentType: "application/json",
    async handle(request, { storage, cache }) {
      const target = targetOf(request);
      if (target instanceof Response) return target;
      return jsonAnswer(200, await purgeKey(storage, cache(), target.key));
    },
  },
  {
    method: "POST",
    path: "/refresh/{path}",
    isOpen: false,
    summary: "Asks the upstreams now whether a copy is still good",
    parameters: [],
    responses: {
      200: "It is, or nobody has a better one that may be stored; `outcome` says which.",
      202: "There is another one, and it is being downloaded.",
      400: BAD_PATH,
      404: "Nothing is stored under this path.",
      414: "The path is too long.",
      502: "No upstream gave an acceptable answer; the copy stays.",
      503: "Too much is under way, or the proxy is shutting down.",
      504: "The proxy is offline and asks nobody.",
    },
    contentType: "application/json",
    async handle(request, { storage, cache }) {
      const target = targetOf(request);
      if (target instanceof Response) return target;
      const entry = storage.find(target.key) ?? await storage.adopt(target.key);
      if (entry === null) return errorAnswer(404, `Nothing is stored of ${target.key}`);
      const { status, body } = await refresh(cache(), target);
      return jsonAnswer(status, { path: target.key, ...body });
    },
  },
];

/** The path behind `/cache` or `/refresh`, read as a client's would be. */
function targetOf({ path, query }: { path: string; query: string }): Target | Response {
  const parsed = parseTarget(`http://localhost${path}${query}`, null);
  return parsed.kind === "target" ? parsed.target : errorAnswer(parsed.status, parsed.reason);
}
