import { getLogger } from "@logtape/logtape";
import { dirname } from "@std/path";
import type { Config } from "../config/config.ts";
import { restartKeys } from "../config/restart_keys.ts";
import { ConfigError } from "../errors.ts";
import type { Args } from "./args.ts";
import { effectiveConfig } from "./effective_config.ts";
import type { Logging } from "./logging.ts";
import type { Proxy } from "./proxy.ts";

/** How long a file must rest after a change until it is read, in milliseconds: editors write twice. */
const SETTLE_MS = 200;

const log = getLogger(["cache-proxy", "config"]);

/** What a new config goes to. */
export interface ReloadTargets {
  readonly proxy: Pick<Proxy, "reload">;
  readonly logging: Pick<Logging, "configure" | "reopen">;
}

/** Applies the config file again, on demand and when it changes. A bad file changes nothing. */
export class ConfigReloader implements Disposable {
  readonly #args: Args;
  readonly #targets: ReloadTargets;
  #config: Config;
  /** The text that was applied or refused last; null: it could not be read. */
  #known: string | null = null;
  #watcher: Deno.FsWatcher | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param config What is in force. */
  constructor(args: Args, config: Config, targets: ReloadTargets) {
    this.#args = args;
    this.#config = config;
    this.#targets = targets;
  }

  /** Never throws: what is wrong goes to the log, all of it. */
  reload(): void {
    const { configFile: file } = this.#args;
    try {
      const { config, warnings } = effectiveConfig(this.#args);
      for (const warning of warnings) log.warn("{warning}", { warning });
      const keys = restartKeys(this.#config, config);
      if (keys.length > 0) {
        log.warn("These keys of {file} count after a restart: {keys}", {
          file,
          keys: keys.join(", "),
        });
      }
      this.#targets.proxy.reload(config);
      this.#targets.logging.configure(config.log);
      // What takes a restart is told each time, until it has been restarted.
      const { listen, workers, admin, storage, log: logging } = this.#config;
      const { format } = logging;
      this.#config = {
        ...config,
        ...{ listen, workers, admin, storage },
        log: { ...config.log, format },
      };
      log.info("Applied {file}: {upstreams} upstreams", {
        file,
        upstreams: config.upstreams.length,
      });
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [String(error)];
      this.#targets.logging.reopen();
      log.error("Nothing was changed: {problems}", { problems: problems.join("\n") });
    }
  }

  /**
   * Applies the file whenever it has changed, until it is disposed of.
   *
   * @throws {Error} When the system does not let us watch.
   */
  watch(): void {
    this.#look();
    this.#known = this.#text();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** Watches what stands under the name now, in place of what stood there before. */
  #look(): void {
    const { configFile } = this.#args;
    // The folder, since most programs put a new file, or a link to one, in the place of the old one.
    // The file itself, since it may be mounted or linked from elsewhere and be written in place.
    const paths = [dirname(configFile), ...this.#text() === null ? [] : [configFile]];
    const watcher = Deno.watchFs(paths, { recursive: false });
    this.#watcher?.close();
    this.#watcher = watcher;
    void this.#follow(watcher);
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const { kind } of watcher) {
        // To look at the file is no change of it.
        if (kind === "access") continue;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#compare(), SETTLE_MS);
      }
    } catch (error) {
      log.error("Cannot watch {file} any more: {error}", { file: this.#args.configFile, error });
    }
  }

  /** Whatever happened in the folder: what counts is whether the text is another one. */
  #compare(): void {
    try {
      this.#look();
    } catch (error) {
      log.error("Cannot watch {file} any more: {error}", { file: this.#args.configFile, error });
    }
    const text = this.#text();
    if (text === this.#known) return;
    this.#known = text;
    this.reload();
  }

  #text(): string | null {
    try {
      return Deno.readTextFileSync(this.#args.configFile);
    } catch {
      return null;
    }
  }
}
