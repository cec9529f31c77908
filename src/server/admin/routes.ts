import { jsonAnswer } from "./admin_answer.ts";
import { CACHE_ROUTES } from "./cache_routes.ts";
import { HEALTH_ROUTES } from "./health_routes.ts";
import { openApi } from "./openapi.ts";
import type { Route } from "./route.ts";

/** All that the admin listener does. */
export const ROUTES: readonly Route[] = [
  ...HEALTH_ROUTES,
  ...CACHE_ROUTES,
  {
    method: "GET",
    path: "/openapi.json",
    isOpen: false,
    summary: "This description",
    parameters: [],
    responses: { 200: "All routes, in OpenAPI 3.1." },
    contentType: "application/json",
    handle: (_, { version }) => jsonAnswer(200, openApi(ROUTES, version)),
  },
];
