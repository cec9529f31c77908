import { adminAnswer, jsonAnswer } from "./admin_answer.ts";
import type { Route } from "./route.ts";

/** What monitoring asks for. */
export const HEALTH_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/healthz",
    isOpen: true,
    summary: "Whether the process lives. Takes no token",
    parameters: [],
    responses: { 200: "It does." },
    contentType: "text/plain",
    handle: () => adminAnswer(200, "text/plain; charset=utf-8", "ok\n"),
  },
  {
    method: "GET",
    path: "/readyz",
    isOpen: false,
    summary: "Whether it can do its work: storage writable, index readable, an upstream to ask",
    parameters: [],
    responses: { 200: "It can.", 503: "It cannot; `problems` says why." },
    contentType: "application/json",
    async handle(_, { problems: read }) {
      const problems = await read();
      const isReady = problems.length === 0;
      return jsonAnswer(isReady ? 200 : 503, { ready: isReady, problems });
    },
  },
  {
    method: "GET",
    path: "/version",
    isOpen: false,
    summary: "What runs here",
    parameters: [],
    responses: { 200: "Versions of the program and of its runtime." },
    contentType: "application/json",
    handle: (_, { version }) =>
      jsonAnswer(200, { name: "cache-proxy", version, deno: Deno.version.deno }),
  },
  {
    method: "GET",
    path: "/metrics",
    isOpen: false,
    summary: "Metrics in the text format of Prometheus",
    parameters: [],
    responses: { 200: "All metrics." },
    contentType: "text/plain",
    async handle(_, { metrics }) {
      // Loading it takes some 50 ms and 10 MB, which only those pay who scrape.
      const { CONTENT_TYPE, prometheusText } = await import("./prometheus_text.ts");
      return adminAnswer(200, CONTENT_TYPE, prometheusText(metrics.all));
    },
  },
];
