import { join } from "@std/path";
import { Child } from "../child.ts";
import type { Peer } from "../server.ts";
import { versionOf } from "../version_of.ts";

/** The name by which works know it. */
export const NGINX = "nginx";

/**
 * nginx with `proxy_cache`, tuned as its documentation says: files by sendfile and kept open, no
 * access log, connections to the origin kept. `tcp_nopush` stays off: with it answers of 4 and of
 * 64 KiB came more slowly here. `aio` is left as it is by default.
 */
export const nginx: Peer = {
  name: NGINX,
  program: "nginx",
  version: () => versionOf("nginx", ["-v"], /nginx\/(\S+)/),
  async start({ folder, port, upstreams, workers }) {
    const conf = join(folder, "nginx.conf");
    const temporary = ["client_body", "fastcgi", "uwsgi", "scgi"]
      .map((it) => `${it}_temp_path ${folder}/temp;`).join(" ");
    await Deno.writeTextFile(
      conf,
      `user root; worker_processes ${workers}; daemon off; pid ${folder}/nginx.pid;
error_log stderr error; worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http {
  access_log off; ${temporary} proxy_temp_path ${folder}/temp;
  sendfile on; tcp_nopush off; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 600;
  open_file_cache max=20000 inactive=10m; open_file_cache_valid 60s; open_file_cache_min_uses 1;
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=bench:256m max_size=16g inactive=7d
    use_temp_path=off;
  upstream origin { server ${new URL(upstreams[0] ?? "").host}; keepalive 256; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache bench; proxy_cache_key $uri; proxy_cache_valid 200 1d; proxy_cache_lock on;
      proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;
    }
  }
}
`,
    );
    const command = { program: "nginx", args: ["-p", folder, "-c", conf] };
    return await Child.start(command, `http://127.0.0.1:${port}`);
  },
};
