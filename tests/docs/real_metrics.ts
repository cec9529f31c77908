import { fileAnswer } from "../support/answers.ts";
import { Origin } from "../support/origin.ts";
import { TestProxy } from "../support/test_proxy.ts";

/** The token of the proxy's admin listener. */
export const TOKEN = "of-the-test";

/** A proxy that has done a bit of everything, so that all of its metrics have series. */
export interface BusyProxy extends AsyncDisposable {
  readonly proxy: TestProxy;
  /** What `/metrics` says. */
  metrics(): Promise<string>;
}

/** Starts it: one mirror that works, one that fails. */
export async function busyProxy(): Promise<BusyProxy> {
  await using stack = new AsyncDisposableStack();
  const good = stack.use(new Origin(fileAnswer("hello")));
  const bad = stack.use(new Origin(() => new Response(null, { status: 500 })));
  const proxy = stack.use(
    await TestProxy.start({
      upstreams: [{ server: bad.url, name: "bad" }, { server: good.url, name: "good" }],
      config: { admin: { port: 0, token: TOKEN }, cache: { "max-size": "1GB" } },
    }),
  );
  await use(proxy);
  const parts = stack.move();
  return {
    proxy,
    async metrics() {
      const headers = { authorization: `Bearer ${TOKEN}` };
      return await (await fetch(`${proxy.adminUrl}/metrics`, { headers })).text();
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Has the proxy fetch a file and serve it from the cache. */
async function use(proxy: TestProxy): Promise<void> {
  await proxy.get("/file");
  await proxy.stored("/file");
  await proxy.get("/file");
}

/** The metrics of a scrape: their names as queries write them, and the labels of each. */
export function metricsOf(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const metrics = new Map<string, Set<string>>();
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = metrics.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) known.add(label);
    metrics.set(name, known);
  }
  return metrics;
}
