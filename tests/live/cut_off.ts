import { assertEquals } from "@std/assert";
import { RawOrigin } from "../support/origin.ts";
import { type ProxyRun, withProxy } from "./machine.ts";

/**
 * As `withProxy`, with every way to the same upstreams cut off, and a proof that none was tried. The
 * links in what is stored name them, so they have to keep their names.
 */
export async function withoutUpstreams<Result>(
  upstreams: readonly Readonly<Record<string, unknown>>[],
  dataDir: string,
  use: (url: string) => Promise<Result>,
): Promise<ProxyRun<Result>> {
  await using wall = new RawOrigin(({ close }) => close());
  const cut = upstreams.map((upstream) => ({ ...upstream, proxy: wall.url }));
  const proxyRun = await withProxy(cut, dataDir, use);
  assertEquals(wall.heads, [], "connections to the upstreams");
  return proxyRun;
}
