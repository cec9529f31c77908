/**
 * The files of the dashboard's page, as texts: imported, so that they are part of the program however
 * it was started, `deno compile` included, and nothing is read when somebody looks at the page.
 *
 * @module
 */

import uPlotStyle from "uplot/dist/uPlot.min.css" with { type: "text" };
import uPlotScript from "uplot/dist/uPlot.iife.min.js" with { type: "text" };
import api from "./api.js" with { type: "text" };
import app from "./app.js" with { type: "text" };
import catalog from "./catalog.js" with { type: "text" };
import confirm from "./confirm.js" with { type: "text" };
import dom from "./dom.js" with { type: "text" };
import downloads from "./downloads.js" with { type: "text" };
import format from "./format.js" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import index from "./index.html" with { type: "text" };
import live from "./live.js" with { type: "text" };
import mirrors from "./mirrors.js" with { type: "text" };
import overview from "./overview.js" with { type: "text" };
import plots from "./plots.js" with { type: "text" };
import prefetch from "./prefetch.js" with { type: "text" };
import problems from "./problems.js" with { type: "text" };
import style from "./style.css" with { type: "text" };
import theme from "./theme.js" with { type: "text" };
import toast from "./toast.js" with { type: "text" };
import type { AssetName } from "./asset_names.ts";

/** The page itself. */
export const PAGE: string = index;

/** What the page is made of. */
export const ASSETS: Readonly<Record<AssetName, string>> = {
  "api.js": api,
  "app.js": app,
  "catalog.js": catalog,
  "confirm.js": confirm,
  "dom.js": dom,
  "downloads.js": downloads,
  "format.js": format,
  "icon.svg": icon,
  "live.js": live,
  "mirrors.js": mirrors,
  "overview.js": overview,
  "plots.js": plots,
  "prefetch.js": prefetch,
  "problems.js": problems,
  "style.css": style,
  "theme.js": theme,
  "toast.js": toast,
  "uplot.css": uPlotStyle,
  "uplot.js": uPlotScript,
};
