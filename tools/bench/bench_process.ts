import { fromFileUrl } from "@std/path";
import { readLines } from "../../tests/support/lines.ts";

/** A script beside this one in a process of its own, which prints its base URL first. */
export class BenchProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, readonly url: string) {
    this.#process = process;
  }

  static async start(name: string, args: readonly string[]): Promise<BenchProcess> {
    const script = fromFileUrl(new URL(name, import.meta.url));
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--frozen", "--cached-only", "--no-prompt", "--allow-net", script, ...args],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const { value } = await readLines(process.stdout).next();
    if (typeof value !== "string") throw new Error(`Cannot start ${name}: it said nothing`);
    return new BenchProcess(process, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
