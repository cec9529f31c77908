/** The files that the dashboard's page is made of, below `/dashboard/`. */
export const ASSET_NAMES = [
  "api.js",
  "app.js",
  "catalog.js",
  "confirm.js",
  "dom.js",
  "downloads.js",
  "format.js",
  "icon.svg",
  "live.js",
  "mirrors.js",
  "overview.js",
  "plots.js",
  "prefetch.js",
  "problems.js",
  "style.css",
  "theme.js",
  "toast.js",
  "uplot.css",
  "uplot.js",
] as const;

/** One of them. */
export type AssetName = typeof ASSET_NAMES[number];
