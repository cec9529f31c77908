import { join } from "@std/path";
import { Child } from "../child.ts";
import type { Peer } from "../server.ts";
import { versionOf } from "../version_of.ts";

const PACKAGED_SETTINGS = "/etc/trafficserver";

/** Apache Traffic Server, with its own cache file and small answers in memory. */
export const trafficServer: Peer = {
  name: "traffic-server",
  program: "traffic_server",
  version: () => versionOf("traffic_server", ["-V"], /Traffic Server (\d\S*)/),
  async start({ folder, port, upstreams, workers }) {
    const settings = join(folder, "etc");
    for (const name of ["log", "run", "var", "cache", "share"]) {
      await Deno.mkdir(join(folder, name));
    }
    await new Deno.Command("cp", { args: ["-r", PACKAGED_SETTINGS, settings] }).output();
    await Deno.writeTextFile(
      join(folder, "runroot.yaml"),
      `prefix: ${folder}
exec_prefix: ${folder}
bindir: /usr/bin
sbindir: /usr/bin
sysconfdir: ${settings}
datadir: ${folder}/share
includedir: ${folder}/share
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: ${folder}/var
runtimedir: ${folder}/run
logdir: ${folder}/log
cachedir: ${folder}/cache
`,
    );
    await Deno.writeTextFile(join(settings, "remap.config"), `map / ${upstreams[0]}/\n`);
    await Deno.writeTextFile(join(settings, "storage.config"), `${folder}/cache 8G\n`);
    await Deno.writeTextFile(
      join(settings, "records.config"),
      `CONFIG proxy.config.admin.user_id STRING #-1
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT ${workers}
CONFIG proxy.config.accept_threads INT 0
CONFIG proxy.config.http.server_ports STRING ${port}:ip-in=127.0.0.1
CONFIG proxy.config.http.cache.http INT 1
CONFIG proxy.config.http.cache.required_headers INT 0
CONFIG proxy.config.http.cache.open_read_retry_time INT 10
CONFIG proxy.config.http.cache.max_open_read_retries INT 100
CONFIG proxy.config.http.insert_response_via_str INT 0
CONFIG proxy.config.http.keep_alive_no_activity_timeout_in INT 600
CONFIG proxy.config.http.transaction_no_activity_timeout_in INT 600
CONFIG proxy.config.cache.ram_cache.size INT 536870912
CONFIG proxy.config.cache.ram_cache_cutoff INT 4194304
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.net.connections_throttle INT 16000
CONFIG proxy.config.diags.debug.enabled INT 0
`,
    );
    const args = [`--run-root=${folder}/runroot.yaml`];
    const command = { program: "traffic_server", args };
    return await Child.start(command, `http://127.0.0.1:${port}`);
  },
};
