import { join } from "@std/path";
import { Child } from "../child.ts";
import type { Peer } from "../server.ts";
import { versionOf } from "../version_of.ts";

/** Squid as a reverse proxy, with a store on disk and small answers in memory. */
export const squid: Peer = {
  name: "squid",
  program: "squid",
  version: () => versionOf("squid", ["-v"], /Version (\S+)/),
  async start({ folder, port, upstreams, workers }) {
    const { hostname, port: upstreamPort } = new URL(upstreams[0] ?? "");
    const conf = join(folder, "squid.conf");
    // Started by root, it goes on as another user.
    await Deno.chmod(folder, 0o777);
    await Deno.writeTextFile(
      conf,
      `http_port 127.0.0.1:${port} accel defaultsite=${hostname} no-vhost
cache_peer ${hostname} parent ${upstreamPort} 0 no-query originserver
http_access allow all
workers ${workers}
cache_dir aufs ${folder}/cache 16000 16 256
cache_mem 512 MB
maximum_object_size 4 GB
maximum_object_size_in_memory 1100 KB
refresh_pattern . 1440 100% 10080
collapsed_forwarding on
access_log none
cache_store_log none
cache_log ${folder}/cache.log
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
max_filedescriptors 16000
client_idle_pconn_timeout 10 minutes
shutdown_lifetime 0 seconds
visible_hostname bench
pinger_enable off
`,
    );
    await new Deno.Command("squid", { args: ["-N", "-z", "-f", conf], stderr: "null" }).output();
    const command = { program: "squid", args: ["-N", "-f", conf] };
    return await Child.start(command, `http://127.0.0.1:${port}`);
  },
};
