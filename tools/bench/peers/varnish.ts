import { join } from "@std/path";
import { Child } from "../child.ts";
import type { Peer } from "../server.ts";
import { versionOf } from "../version_of.ts";

/** Varnish, with all bodies in memory, as its documentation prefers it. */
export const varnish: Peer = {
  name: "varnish",
  program: "varnishd",
  version: () => versionOf("varnishd", ["-V"], /varnish-(\S+)/),
  async start({ folder, port, upstreams }) {
    const { hostname, port: upstreamPort } = new URL(upstreams[0] ?? "");
    const vcl = join(folder, "bench.vcl");
    await Deno.writeTextFile(
      vcl,
      `vcl 4.1;
backend default { .host = "${hostname}"; .port = "${upstreamPort}"; }
sub vcl_backend_response { set beresp.ttl = 1d; }
`,
    );
    const parameters = ["timeout_idle=600", "nuke_limit=10000", "thread_pool_min=100"]
      .flatMap((it) => ["-p", it]);
    const args = ["-F", "-j", "none", "-n", join(folder, "varnish"), "-f", vcl];
    const listen = ["-a", `127.0.0.1:${port}`, "-s", "malloc,6G", ...parameters];
    const command = { program: "varnishd", args: [...args, ...listen] };
    return await Child.start(command, `http://127.0.0.1:${port}`);
  },
};
