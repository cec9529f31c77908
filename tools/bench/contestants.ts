import { join } from "@std/path";
import { say } from "./bench_process.ts";
import { Child, freePort } from "./child.ts";
import { isThere } from "./is_there.ts";
import { ours, oursCommand } from "./peers/ours.ts";
import type { Contestant, Peer } from "./server.ts";
import type { OursOptions } from "./work.ts";

/** Where contestants run. */
export interface Ground {
  /** Each gets a folder of its own in it. */
  readonly folder: string;
  readonly upstreams: readonly string[];
  readonly workers: number;
}

/** Those of the peers that are installed; of the others a word is said. */
export async function installedPeers(
  peers: readonly Peer[],
  ground: Ground,
): Promise<Contestant[]> {
  const found: Contestant[] = [];
  for (const peer of peers) {
    if (peer.program !== null && !isThere(peer.program)) {
      say(`${peer.name} is left out: ${peer.program} is not installed`);
      continue;
    }
    found.push(await contestantOf(peer, ground));
  }
  return found;
}

/** Ours with other upstreams than the first, or with a data directory that is filled already. */
export async function oursAs(options: OursOptions, ground: Ground): Promise<Contestant> {
  const { name, upstreams, dataDir } = options;
  return {
    name,
    version: await ours.version(),
    start: () =>
      started(ground, async (folder, port) => {
        const place = { folder, port, upstreams, workers: ground.workers };
        const command = await oursCommand({ ...place, dataDir: dataDir ?? join(folder, "data") });
        return await Child.start(command, `http://127.0.0.1:${port}`);
      }),
  };
}

async function contestantOf(peer: Peer, ground: Ground): Promise<Contestant> {
  const upstreams = ground.upstreams.slice(0, 1);
  return {
    name: peer.name,
    version: await peer.version(),
    start: () =>
      started(
        ground,
        (folder, port) => peer.start({ folder, port, upstreams, workers: ground.workers }),
      ),
  };
}

/** In a folder that goes when the server has ended. */
async function started<S extends AsyncDisposable>(
  { folder: parent }: Ground,
  start: (folder: string, port: number) => Promise<S>,
): Promise<S> {
  const folder = await Deno.makeTempDir({ dir: parent });
  await Deno.chmod(folder, 0o755);
  // What cannot be removed yet goes with the folder around it.
  const remove = (): Promise<void> => Deno.remove(folder, { recursive: true }).catch(() => {});
  try {
    const server = await start(folder, freePort());
    const end = server[Symbol.asyncDispose].bind(server);
    server[Symbol.asyncDispose] = async () => {
      await end();
      await remove();
    };
    return server;
  } catch (error) {
    await remove();
    throw error;
  }
}
