import { join } from "@std/path";
import { Child } from "../child.ts";
import type { Peer, Server } from "../server.ts";
import { versionOf } from "../version_of.ts";

/** What stands before each path; it says which mirror is meant. */
const PREFIX = "/bench";

/** apt-cacher-ng, which stores what is named like a package. */
export const aptCacherNg: Peer = {
  name: "apt-cacher-ng",
  program: "apt-cacher-ng",
  version: () => versionOf("dpkg-query", ["-W", "-f", "${Version}", "apt-cacher-ng"], /(\S+)/),
  async start({ folder, port, upstreams }) {
    for (const name of ["cache", "log", "etc"]) await Deno.mkdir(join(folder, name));
    await Deno.writeTextFile(
      join(folder, "etc", "acng.conf"),
      `CacheDir: ${folder}/cache
LogDir: ${folder}/log
SupportDir: /usr/lib/apt-cacher-ng
Port: ${port}
BindAddress: 127.0.0.1
SocketPath: ${folder}/socket
Remap-bench: ${PREFIX} ; ${upstreams[0]}
ReportPage: acng-report.html
PidFile: ${folder}/acng.pid
ForeGround: 1
VerboseLog: 0
ExThreshold: 4
ReuseConnections: 1
`,
    );
    const url = `http://127.0.0.1:${port}`;
    const args = ["-c", join(folder, "etc")];
    const child = await Child.start({ program: "apt-cacher-ng", args }, url);
    const server: Server = {
      url: url + PREFIX,
      cpuSeconds: () => child.cpuSeconds(),
      residentBytes: () => child.residentBytes(),
      [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
    };
    return server;
  },
};
