import { assert, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { tempDir } from "../support/temp_dir.ts";

/** How often other ports are tried when somebody has taken those that were free. */
const MAX_STARTS = 5;

/** A config as a page has it, and what of it belongs to the machine. */
export interface NginxConf {
  readonly text: string;
  /** What each text of it is replaced by; all must be there. */
  readonly replacements: readonly (readonly [string, string])[];
  /** Texts such as `listen 443`, each of which gets a port of its own. */
  readonly listens: readonly string[];
}

/** nginx while it runs. */
export interface RunningNginx extends AsyncDisposable {
  /** In the order of `listens`. */
  readonly ports: readonly number[];
}

/** Runs the real nginx as this user in the foreground; resolves when it listens. */
export async function runNginx(conf: NginxConf): Promise<RunningNginx> {
  const folder = await tempDir();
  for (let starts = 1;; starts++) {
    const ports = conf.listens.map(freePort);
    const file = join(folder.path, "nginx.conf");
    await Deno.writeTextFile(file, confText(conf, folder.path, ports));
    const args = ["-p", folder.path, "-c", file];
    const child = new Deno.Command("nginx", { args, stdout: "null", stderr: "piped" }).spawn();
    const log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    // Its notices come when it is listening.
    const output = await readUntil(log, "[notice]");
    const drained = readUntil(log, null);
    if (output.includes("[notice]")) {
      return {
        ports,
        async [Symbol.asyncDispose]() {
          child.kill("SIGTERM");
          await Promise.all([child.status, drained]);
          await folder[Symbol.asyncDispose]();
        },
      };
    }
    await Promise.all([child.status, drained]);
    if (output.includes("Address already in use") && starts < MAX_STARTS) continue;
    await folder[Symbol.asyncDispose]();
    assert(false, output);
  }
}

function confText(conf: NginxConf, folder: string, ports: readonly number[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  let text = conf.text;
  const replace = (from: string, to: string): void => {
    assertStringIncludes(text, from);
    text = text.replace(from, () => to);
  };
  replace("user www-data;", "daemon off; master_process off; error_log stderr notice;");
  replace("pid /run/nginx.pid;", `pid ${folder}/nginx.pid;`);
  replace("\nhttp {", `\nhttp { access_log off; ${temporary}`);
  for (const [from, to] of conf.replacements) replace(from, to);
  conf.listens.forEach((listen, at) => replace(listen, `listen 127.0.0.1:${ports[at]}`));
  return text;
}

/** Reads until the text has come, or to the end. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  text: string | null,
): Promise<string> {
  for (let read = "";;) {
    const { value, done } = await reader.read();
    if (done) return read;
    read += value;
    if (text !== null && read.includes(text)) return read;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}
