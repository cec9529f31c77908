import { fileAnswer } from "./answers.ts";
import { NOON } from "./facts.ts";
import { ManualClock } from "./manual_clock.ts";
import { Origin } from "./origin.ts";
import { TestProxy, type TestProxyOptions } from "./test_proxy.ts";

export const HOUR = 3_600_000;

/** When the copy was last modified. */
export const YESTERDAY = NOON - 24 * HOUR;

/** A copy that the test lets grow old, its mirror and its proxy. */
export interface AgedCopy extends AsyncDisposable {
  readonly proxy: TestProxy;
  /** The mirror that it came from; it has not been asked since. */
  readonly origin: Origin;
  readonly clock: ManualClock;
}

/** A proxy, an origin and a clock at noon; `/x` is stored as `hello` of yesterday. */
export async function stored(
  options: Partial<TestProxyOptions> = {},
  etag?: string,
): Promise<AgedCopy> {
  const facts = etag === undefined ? {} : { etag };
  const origin = new Origin(fileAnswer("hello", { lastModified: YESTERDAY, ...facts }));
  const clock = new ManualClock(NOON);
  const upstreams = [{ server: origin.url, name: "first" }, ...options.upstreams ?? []];
  const proxy = await TestProxy.start({ ...options, upstreams, clock });
  await ask(proxy);
  origin.seen.length = 0;
  return {
    proxy,
    origin,
    clock,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

/** What came, and how: `HIT hello`. */
export async function ask(proxy: TestProxy, path = "/x"): Promise<string> {
  const { response, text } = await proxy.get(path);
  await proxy.settled();
  const result = response.headers.get("x-cache") ?? "";
  return response.status === 200 ? `${result} ${text}` : `${response.status}`;
}

/** What a mirror was asked about: ETag and date. */
export function validators({ headers }: { readonly headers: Headers }): (string | null)[] {
  return [headers.get("if-none-match"), headers.get("if-modified-since")];
}
