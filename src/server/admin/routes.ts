import { ACTIVITY_ROUTES } from "./activity_routes.ts";
import { jsonAnswer } from "./admin_answer.ts";
import { CACHE_ROUTES } from "./cache_routes.ts";
import { DASHBOARD_ROUTES } from "./dashboard_routes.ts";
import { DEBUG_ROUTES } from "./debug_routes.ts";
import { HEALTH_ROUTES } from "./health_routes.ts";
import { HISTORY_ROUTES } from "./history_routes.ts";
import { LOG_LEVEL_ROUTES } from "./log_level_routes.ts";
import { openApi } from "./openapi.ts";
import type { Route } from "./route.ts";
import { VERIFY_ROUTES } from "./verify_routes.ts";

/** All that the admin listener does. */
export const ROUTES: readonly Route[] = [
  ...HEALTH_ROUTES,
  ...ACTIVITY_ROUTES,
  ...CACHE_ROUTES,
  ...VERIFY_ROUTES,
  ...HISTORY_ROUTES,
  ...LOG_LEVEL_ROUTES,
  ...DEBUG_ROUTES,
  ...DASHBOARD_ROUTES,
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
