import { fromFileUrl, join } from "@std/path";
import { Child, freePort } from "./child.ts";
import { isThere } from "./is_there.ts";

/** What the origin has: `/BYTES/ANY-NAME`. */
export const SIZES = {
  kib4: 4 * 1024,
  kib64: 64 * 1024,
  mib1: 1024 * 1024,
  mib10: 10 * 1024 * 1024,
  gib1: 1024 * 1024 * 1024,
} as const;

/** Addresses of loopback at which the one origin listens, for servers with several upstreams. */
const ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];

const BLOCK_BYTES = 1024 * 1024;

/** Where all contestants have their files from. */
export interface Origin extends AsyncDisposable {
  /** Base URLs, all of the one origin. */
  readonly urls: readonly string[];
  /** How many requests it was sent so far. */
  requests(): Promise<number>;
}

/**
 * nginx with static files where it is installed, else a script of our own.
 *
 * @param folder Empty; is filled with a file for each size.
 */
export async function startOrigin(folder: string): Promise<Origin> {
  for (const bytes of Object.values(SIZES)) await writeFile(join(folder, String(bytes)), bytes);
  const port = freePort();
  const [url = ""] = ADDRESSES;
  const child = await Child.start(
    isThere("nginx") ? await nginx(folder, port) : script(folder, port),
    `http://${url}:${port}`,
  );
  let own = 0;
  return {
    urls: ADDRESSES.map((it) => `http://${it}:${port}`),
    async requests() {
      // This is a request as well.
      const text = await (await fetch(`${child.url}/requests`)).text();
      return Number(/^\s*\d+ \d+ (\d+)\s*$/m.exec(text)?.[1]) - ++own;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Bytes that no program can make smaller, written in full. */
async function writeFile(path: string, bytes: number): Promise<void> {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let at = 0; at < BLOCK_BYTES; at += 65_536) {
    crypto.getRandomValues(block.subarray(at, at + 65_536));
  }
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let left = bytes; left > 0;) {
    left -= await file.write(left < BLOCK_BYTES ? block.subarray(0, left) : block);
  }
}

async function nginx(
  folder: string,
  port: number,
): Promise<{ program: string; args: string[] }> {
  const conf = join(folder, "origin.conf");
  await Deno.writeTextFile(
    conf,
    `user root; worker_processes 1; daemon off; master_process off;
pid ${folder}/origin.pid; error_log stderr error; worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
  access_log off; default_type application/octet-stream;
  sendfile on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600;
  open_file_cache max=100 inactive=1h; open_file_cache_valid 1h;
  ${
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((it) => `${it}_temp_path ${folder}/temp;`).join(" ")
    }
  server {
    ${ADDRESSES.map((it) => `listen ${it}:${port} backlog=4096;`).join(" ")}
    root ${folder};
    add_header Cache-Control "public, max-age=86400";
    location = /requests { stub_status; }
    location ~ ^/(\\d+)/ { try_files /$1 =404; }
  }
}
`,
  );
  return { program: "nginx", args: ["-p", folder, "-c", conf] };
}

function script(folder: string, port: number): { program: string; args: string[] } {
  const file = fromFileUrl(new URL("static_origin.ts", import.meta.url));
  const args = [folder, String(port), ...ADDRESSES];
  const flags = ["--frozen", "--cached-only", "--no-prompt", "--allow-net", "--allow-read"];
  return { program: Deno.execPath(), args: ["run", ...flags, file, ...args] };
}
