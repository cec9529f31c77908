import { adminAnswer } from "./admin_answer.ts";
import { ASSET_NAMES, type AssetName } from "./dashboard/asset_names.ts";
import type { Route } from "./route.ts";

/**
 * The page is made of files of ours alone, none of it inline, and talks to nobody but us. Its scripts
 * make no HTML of texts, which browsers that know trusted types enforce.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Readonly<Record<string, Route["contentType"]>> = {
  css: "text/css",
  js: "text/javascript",
  svg: "image/svg+xml",
};

/** The page for people, and what it is made of. */
export const DASHBOARD_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/",
    isOpen: false,
    summary: "The dashboard, a page for browsers",
    parameters: [],
    responses: { 200: "The page." },
    contentType: "text/html",
    async handle() {
      const { PAGE } = await load();
      const extra = { "content-security-policy": PAGE_POLICY };
      return adminAnswer(200, "text/html; charset=utf-8", PAGE, extra);
    },
  },
  ...ASSET_NAMES.map(assetRoute),
];

function assetRoute(name: AssetName): Route {
  const contentType = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "text/plain";
  return {
    method: "GET",
    path: `/dashboard/${name}`,
    isOpen: false,
    summary: "A part of the dashboard",
    parameters: [],
    responses: { 200: "The file." },
    contentType,
    async handle() {
      const { ASSETS } = await load();
      return adminAnswer(200, `${contentType}; charset=utf-8`, ASSETS[name]);
    },
  };
}

/** Only when somebody looks: a start need not wait for it. */
function load(): Promise<typeof import("./dashboard/assets.ts")> {
  return import("./dashboard/assets.ts");
}
