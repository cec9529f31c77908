import { stringify } from "@std/yaml";
import { join } from "@std/path";
import manifest from "../../../deno.json" with { type: "json" };
import schema from "../../../config.schema.json" with { type: "json" };
import { programArgs } from "../../../tests/support/program_under_test.ts";
import { Child, type ChildOptions } from "../child.ts";
import type { Peer } from "../server.ts";

/** The name by which works know it. */
export const OURS = "cache-proxy";

/** The program of this folder, run as `deno task start` runs it. */
export const ours: Peer = {
  name: OURS,
  program: null,
  version: () => Promise.resolve(`${manifest.version} (deno ${Deno.version.deno})`),
  start: async (place) =>
    await Child.start(
      await oursCommand({ ...place, dataDir: join(place.folder, "data") }),
      `http://127.0.0.1:${place.port}`,
    ),
};

/** Writes the config file; how the program is started with it. */
export async function oursCommand(place: {
  readonly folder: string;
  readonly dataDir: string;
  readonly port: number;
  readonly upstreams: readonly string[];
  readonly workers: number;
  /** Where its admin listener is to show the inside; without it a port of the system's choice. */
  readonly debugPort?: number;
}): Promise<ChildOptions> {
  const file = join(place.folder, "config.yaml");
  await Deno.writeTextFile(
    file,
    stringify({
      listen: { address: "127.0.0.1", port: place.port },
      admin: { port: place.debugPort ?? 0, debug: place.debugPort !== undefined },
      storage: { local: { path: place.dataDir } },
      log: { requests: false },
      cache: { timeout: "24h", "max-size": "16GiB" },
      upstream: place.upstreams.map((server, index) => ({ server, name: `origin-${index}` })),
      ..."workers" in schema.properties ? { workers: place.workers } : {},
    }),
  );
  return { program: Deno.execPath(), args: programArgs(["--config", file]) };
}
