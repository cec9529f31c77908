/**
 * Where a serving worker begins. It loads no more than serving takes: what knows the config, the
 * index and the mirrors is in the filling worker.
 *
 * @module
 */

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/// <reference lib="deno.unstable" />

import { configureSync, type LogRecord } from "@logtape/logtape";
import type { FromServing, ToServing } from "./messages.ts";
import { ServingWorker } from "./serving_worker.ts";

const LEVELS: Readonly<Record<string, "debug" | "info" | "warn" | "error">> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
};

const port = {
  post: (message: FromServing, transfer: ArrayBuffer[] = []) => self.postMessage(message, transfer),
};

configureSync({
  sinks: { filling: tell },
  loggers: [{ category: ["cache-proxy"], sinks: ["filling"], lowestLevel: "info" }, {
    category: ["logtape", "meta"],
    sinks: ["filling"],
    lowestLevel: "warning",
  }],
});

const worker = new ServingWorker(port, {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
});
self.onmessage = ({ data }: MessageEvent<ToServing>) => worker.take(data);

/** The log is the filling worker's. */
function tell({ level, category, message }: LogRecord): void {
  const text = message.map((part) => part instanceof Error ? part.message : String(part)).join("");
  port.post({ kind: "log", level: LEVELS[level] ?? "error", category, message: text });
}
