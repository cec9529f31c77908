import { Cache } from "../../src/cache/cache.ts";
import type { Activity } from "../../src/fill/activity.ts";
import { Flights } from "../../src/fill/flights.ts";
import { Standings } from "../../src/fill/standings.ts";
import { Arrivals } from "../../src/server/arrivals.ts";
import { LinkRewriting } from "../../src/server/link_rewriting.ts";
import { OpenBodies } from "../../src/server/body_stream.ts";
import { createHandler } from "../../src/server/handler.ts";
import { Http1Server } from "../../src/server/http1/http1_server.ts";
import { ServerCounters } from "../../src/server/server_counters.ts";
import { LocalStorage } from "../../src/storage/local_storage.ts";
import type { LocalSystem } from "../../src/storage/local_system.ts";
import { systemClock } from "../../src/main/system_clock.ts";
import type { Clock } from "../../src/types.ts";
import { policy, upstream } from "./facts.ts";
import { NO_LIMITS } from "./no_limits.ts";

/** A disk whose faults the test sets, between two requests or in the midst of one. */
export class FaultyDisk {
  /** Bytes that all unfinished files together can still take. */
  room = Infinity;
  canCreate = true;
  canPublish = true;
  /** Writes to unfinished files wait for it. */
  writesAfter: Promise<void> = Promise.resolve();
  /** Whether stored files can be opened. */
  canOpen = true;
  /** Whether what is open can be read. */
  canRead = true;

  /** What `LocalStorage` then works with. */
  get system(): Partial<LocalSystem> {
    return {
      openFile: async (path, options) => {
        if (options.createNew && !this.canCreate) throw systemError("EACCES");
        if (!options.createNew && !this.canOpen) throw systemError("EACCES");
        const file = await Deno.open(path, options);
        return options.createNew ? this.#limited(file) : this.#failing(file);
      },
      rename: (from, to) => {
        if (!this.canPublish) throw systemError("EIO");
        Deno.renameSync(from, to);
      },
    };
  }

  #limited(file: Deno.FsFile): Deno.FsFile {
    const write = async (chunk: Uint8Array): Promise<number> => {
      await this.writesAfter;
      if (this.room === 0) throw systemError("ENOSPC");
      const count = await file.write(chunk.subarray(0, Math.min(chunk.byteLength, this.room)));
      this.room -= count;
      return count;
    };
    return replaced(file, "write", write);
  }

  #failing(file: Deno.FsFile): Deno.FsFile {
    const read = (buffer: Uint8Array): Promise<number | null> =>
      this.canRead ? file.read(buffer) : Promise.reject(systemError("EIO"));
    return replaced(file, "read", read);
  }
}

function replaced(file: Deno.FsFile, method: string, by: unknown): Deno.FsFile {
  return new Proxy(file, {
    get(target, name) {
      if (name === method) return by;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** An error as the operating system's come out of Deno. */
function systemError(code: string): Error {
  return Object.assign(new Error(`${code} of a test`), { code });
}

/** The parts of the program over a disk with faults, put together as `startProxy` does. */
export class FaultyDiskProxy implements AsyncDisposable {
  private constructor(
    readonly dataDir: string,
    readonly storage: LocalStorage,
    readonly flights: Flights,
    readonly openBodies: OpenBodies,
    readonly server: Http1Server,
    readonly activity: Activity,
  ) {}

  static async start(
    disk: FaultyDisk,
    servers: readonly string[],
    clock: Clock = systemClock,
  ): Promise<FaultyDiskProxy> {
    const dataDir = await Deno.makeTempDir();
    const storage = await LocalStorage.open({
      path: dataDir,
      temporaryFilePattern: "temp.*",
      limits: NO_LIMITS,
      system: disk.system,
    });
    const standings = new Standings({ clock, random: () => 0.5 });
    const flights = new Flights({
      upstreams: servers.map((server) => upstream({ server, name: server })),
      firstChunkBytes: 0,
      chunkBytes: 1024 * 1024,
      headTimeoutMs: 10_000,
      stallTimeoutMs: 15_000,
      minimumBytesPerSecond: 0,
      rangeSkipBytes: 8 * 1024 * 1024,
      segments: null,
      raceWidth: 3,
      maxFills: 256,
      userAgent: "cache-proxy/0.0.0",
      via: "1.1 cache-proxy-test",
      storage,
      clock,
      standings,
    });
    const cache = new Cache({
      storage,
      filler: flights,
      policies: [policy()],
      variants: [],
      clientDirectives: "ignore",
      targetedDirectives: false,
      offline: false,
      clock,
    });
    const openBodies = new OpenBodies(clock);
    const handler = createHandler({
      cache,
      filler: flights,
      isOffline: false,
      clock,
      accel: null,
      reach: { upstreams: [], allow: [], ownNames: new Set(), publicUrl: null },
      registries: [],
      rules: [],
      arrivals: new Arrivals({ publicUrl: null, trustedProxies: [], isTls: false }),
      instance: "test",
      counters: new ServerCounters(),
      quickAnswers: null,
      problems: standings.activity,
      links: new LinkRewriting({ rules: [], upstreams: [], publicBaseOf: () => null }),
      variants: [],
    });
    const server = new Http1Server({
      hostname: "127.0.0.1",
      port: 0,
      handler: { quick: () => null, handle: handler },
      openBodies,
    });
    return new FaultyDiskProxy(
      dataDir,
      storage,
      flights,
      openBodies,
      server,
      standings.activity,
    );
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.server.addr.port}${path}`, init);
  }

  /** Names of unfinished files. */
  partials(): string[] {
    return [...Deno.readDirSync(`${this.dataDir}/.cache-proxy/partial`)].map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const served = this.server.shutdown();
    await this.flights.abortAll();
    this.openBodies.cutAll();
    await served;
    this.storage.close();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}
