import { stringify } from "@std/yaml";
import { join } from "@std/path";

/** How often it is looked whether the registry answers, and how long in between. */
const MAX_LOOKS = 100;
const PAUSE_MS = 100;

/** Debian's `docker-registry` on loopback, with its images in a folder. */
export class ImageRegistry implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  private constructor(process: Deno.ChildProcess, readonly host: string) {
    this.#process = process;
  }

  static async start(folder: string): Promise<ImageRegistry> {
    const host = `127.0.0.1:${freePort()}`;
    const config = join(folder, "registry.yml");
    await Deno.writeTextFile(
      config,
      stringify({
        version: 0.1,
        log: { level: "error" },
        storage: { filesystem: { rootdirectory: join(folder, "images") } },
        http: { addr: host },
      }),
    );
    const command = new Deno.Command("docker-registry", {
      args: ["serve", config],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    const registry = new ImageRegistry(command.spawn(), host);
    for (let looks = 1; !await registry.#answers(); looks++) {
      if (looks < MAX_LOOKS) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        continue;
      }
      await registry[Symbol.asyncDispose]();
      throw new Error(`docker-registry does not answer at ${host}`);
    }
    return registry;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }

  async #answers(): Promise<boolean> {
    try {
      const { ok, body } = await fetch(`${this.url}/v2/`);
      await body?.cancel();
      return ok;
    } catch {
      return false;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
