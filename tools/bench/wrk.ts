import { join } from "@std/path";

/** What wrk is to do. */
export interface WrkOptions {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Lua, with the functions that wrk calls: `request`, `delay`. */
  readonly script?: string;
}

/** What came of it. */
export interface WrkResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly bytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** So that the figures need not be read out of a text for people; microseconds. */
const DONE = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %f %f\\n", summary.requests, summary.bytes,
    summary.duration, e.connect + e.status + e.timeout, latency:percentile(50),
    latency:percentile(99)))
end
`;

/**
 * Puts a server under load with one thread of wrk, which is one core at most.
 *
 * @throws When wrk fails, an answer is an error or takes over two seconds.
 */
export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const { url, seconds, connections, headers = {}, script = "" } = options;
  const folder = await Deno.makeTempDir();
  try {
    const lua = join(folder, "wrk.lua");
    await Deno.writeTextFile(lua, script + DONE);
    const fields = Object.entries(headers).flatMap(([name, it]) => ["-H", `${name}: ${it}`]);
    const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", lua, ...fields, url];
    const { stdout, stderr } = await new Deno.Command("wrk", { args, stdin: "null" }).output();
    const decoder = new TextDecoder();
    return parse(decoder.decode(stdout), decoder.decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function parse(text: string, errors: string): WrkResult {
  const found = /^RESULT (.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (found === undefined) throw new Error(`Cannot measure with wrk: ${text}${errors}`);
  const [requests = 0, bytes = 0, micros = 0, failed = 0, p50 = 0, p99 = 0] = found;
  if (requests === 0 || failed > 0) {
    throw new Error(`Cannot measure: ${failed} of ${requests} requests failed`);
  }
  const seconds = micros / 1e6;
  return {
    requests,
    perSecond: requests / seconds,
    bytesPerSecond: bytes / seconds,
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
  };
}
