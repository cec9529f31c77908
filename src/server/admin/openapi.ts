import { INTENT_HEADER } from "./guard.ts";
import type { Route } from "./route.ts";

/** The description of routes in OpenAPI 3.1. */
export function openApi(
  routes: readonly Route[],
  version: string,
): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const item = paths[route.path] ??= {};
    item[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "cache-proxy admin",
      version,
      description:
        "Where a token is configured, every route but /healthz takes it, as a bearer's " +
        "or as the password of any user. What changes something and shows no bearer's token takes " +
        `a header field ${INTENT_HEADER}, with any value.`,
    },
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        password: { type: "http", scheme: "basic" },
      },
    },
  };
}

function operation(route: Route): Readonly<Record<string, unknown>> {
  const takesPath = route.path.endsWith("{path}");
  const path = {
    name: "path",
    in: "path",
    required: true,
    description: "Path of a client, slashes included, escaped as clients send it.",
    schema: { type: "string" },
  };
  const query = route.parameters.map((parameter) => ({ in: "query", ...parameter }));
  return {
    summary: route.summary,
    parameters: [...takesPath ? [path] : [], ...query],
    ...route.body === undefined ? {} : {
      requestBody: { required: true, content: { "application/json": { schema: route.body } } },
    },
    responses: Object.fromEntries(
      Object.entries({ ...route.responses, ...refusals(route) })
        .map(([status, description]) => [status, response(Number(status), description, route)]),
    ),
    // Without either, where no token is configured.
    security: route.isOpen ? [] : [{ token: [] }, { password: [] }, {}],
  };
}

/** What may happen before a route is reached. */
function refusals({ isOpen, method }: Route): Readonly<Record<number, string>> {
  const own = { 500: "Something is wrong; the log has the details." };
  if (isOpen) return own;
  const guarded = {
    ...own,
    401: "A token is configured, and this is not it.",
    421: "No token is configured, and the host is not a name of this machine.",
  };
  if (method === "GET") return guarded;
  return { ...guarded, 403: "It shows no bearer's token, and is not meant, maybe." };
}

function response(
  status: number,
  description: string,
  { contentType }: Route,
): Readonly<Record<string, unknown>> {
  // Whatever is wrong is told in JSON.
  const type = status < 400 ? contentType : "application/json";
  const schema = { type: type === "application/json" ? "object" : "string" };
  return { description, content: { [type]: { schema } } };
}
