import { assertEquals } from "@std/assert";
import { formatHttpDate } from "../../../src/decide/http_date.ts";
import { NOON } from "../../support/facts.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { type RawExchange, RawOrigin } from "../../support/origin.ts";
import { TestProxy } from "../../support/test_proxy.ts";

/**
 * What the origin answers: a status, where it is not 200, and field lines. `Date` is the time of the
 * test unless there is a line for it; an empty one leaves it out. The body is the step's number.
 * `down`: the connection closes without a word.
 */
export type Reply = readonly string[] | "down";

/** One request, and what has to come of it. */
export interface Step {
  /** Seconds that pass before it. */
  readonly after?: number;
  readonly method?: string;
  /** Of the case's own path, unless told otherwise. */
  readonly path?: string;
  /** Field lines of the request. */
  readonly send?: readonly string[];
  /** Without it the origin must not be asked. */
  readonly reply?: Reply;
  /** Status, where it is not 200, `X-Cache`, and the body: the number of the step it came from. */
  readonly expect: string;
  /** Fields of the answer; null: not there. */
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Fields that the origin has seen in the request; null: not there. */
  readonly asked?: Readonly<Record<string, string | null>>;
}

/** Several requests after each other, on a proxy of their own. */
export interface Case {
  readonly name: string;
  /** Under `cache` of the config, beside `timeout: upstream`. */
  readonly cache?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

/** A proxy that lets its one upstream decide, that upstream, and the time. */
export class Bench implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly origin: RawOrigin;
  readonly proxy: TestProxy;
  /** What the origin does with a request. */
  answer: (exchange: RawExchange) => Promise<void> | void = () => {};
  #steps = 0;

  private constructor(clock: ManualClock, origin: RawOrigin, proxy: TestProxy) {
    this.clock = clock;
    this.origin = origin;
    this.proxy = proxy;
  }

  static async start(cache: Case["cache"] = {}): Promise<Bench> {
    const clock = new ManualClock(NOON);
    let bench: Bench | null = null;
    const origin = new RawOrigin((exchange) => bench?.answer(exchange));
    const server = {
      server: origin.url,
      checkers: [{ "status-codes": "any" }],
      "allow-methods": ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
    };
    const config = { cache: { timeout: "upstream", ...cache } };
    bench = new Bench(clock, origin, await TestProxy.start({ upstreams: [server], config, clock }));
    return bench;
  }

  /** Field lines with a `Date` of now, as one message. */
  message(reply: Exclude<Reply, "down">, body: string): string {
    const [first = "", ...others] = reply;
    const hasStatus = /^\d{3}$/.test(first);
    const status = hasStatus ? Number(first) : 200;
    const lines = hasStatus ? others : [...reply];
    const has = (name: string) => lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
    if (!has("date")) lines.push(`Date: ${formatHttpDate(this.clock.now())}`);
    if (!has("connection")) lines.push("Connection: close");
    const isBodiless = status === 204 || status === 304;
    if (!isBodiless && !has("content-length")) lines.push(`Content-Length: ${body.length}`);
    const fields = lines.filter((line) => !/^date:\s*$/i.test(line));
    return [`HTTP/1.1 ${status} Answer`, ...fields, "", isBodiless ? "" : body].join("\r\n");
  }

  async walk(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step);
  }

  async step(step: Step): Promise<void> {
    const { origin, proxy } = this;
    const number = `${++this.#steps}`;
    this.clock.advance((step.after ?? 0) * 1000);
    const before = origin.heads.length;
    const { method = "GET", reply = ["599"] } = step;
    this.answer = async ({ head, write }) => {
      if (reply === "down") return;
      const isHead = head.startsWith("HEAD ");
      const message = this.message(reply, number);
      await write(isHead ? message.slice(0, message.indexOf("\r\n\r\n") + 4) : message);
    };
    const headers = (step.send ?? []).map(pairOf);
    const { response, text } = await proxy.get(step.path ?? "/x", {
      method,
      headers,
      redirect: "manual",
    });
    await proxy.settled();
    const what = `step ${number}`;
    assertEquals(resultOf(response, text), step.expect, what);
    for (const [name, value] of Object.entries(step.fields ?? {})) {
      assertEquals(response.headers.get(name), value, `${what}: ${name}`);
    }
    const isAsked = origin.heads.length > before;
    assertEquals(isAsked, step.reply !== undefined, `${what}: whether the origin was asked`);
    const seen = new Headers(fieldsOf(origin.heads.at(-1) ?? ""));
    for (const [name, value] of Object.entries(step.asked ?? {})) {
      assertEquals(seen.get(name), value, `${what}: ${name} at the origin`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.origin[Symbol.asyncDispose]();
  }
}

/** One test with a step for each case. */
export function testCases(name: string, cases: readonly Case[]): void {
  Deno.test(name, async (t) => {
    for (const { name, cache, steps } of cases) {
      await t.step(name, async () => {
        await using bench = await Bench.start(cache);
        await bench.walk(steps);
      });
    }
  });
}

/** A date so many seconds from the beginning of the test. */
export function at(seconds: number): string {
  return formatHttpDate(NOON + seconds * 1000);
}

/** Status where it is not 200, `X-Cache`, body. */
export function resultOf(response: Response, text: string): string {
  const status = response.status === 200 ? "" : `${response.status}`;
  const ours = response.headers.get("x-cache") ?? "";
  const body = /^\d+ (?:No|The|Too) /.test(text) ? "error" : text;
  return [status, ours, body].filter((part) => part !== "").join(" ");
}

function fieldsOf(head: string): [string, string][] {
  return head.split("\r\n").slice(1).filter((line) => line.includes(":")).map(pairOf);
}

function pairOf(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
