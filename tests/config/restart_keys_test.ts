import { assertEquals } from "@std/assert";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load_config.ts";
import { restartKeys } from "../../src/config/restart_keys.ts";

function load(sections: string): Config {
  return loadConfig(`upstream: [{server: https://a.example}]\n${sections}`, () => undefined)
    .config;
}

Deno.test("each key that is set up once is named when it changes, as the file spells it", () => {
  const tls = "listen: {tls: {cert: c.pem, key: k.pem}}";
  const examples: [old: string, next: string, keys: string[]][] = [
    ["", "listen: {address: '::'}", ["listen.address"]],
    ["", "listen: {port: 1}", ["listen.port"]],
    ["", tls, ["listen.tls.cert", "listen.tls.key"]],
    [tls, "", ["listen.tls.cert", "listen.tls.key"]],
    [tls, "listen: {tls: {cert: d.pem, key: k.pem}}", ["listen.tls.cert"]],
    [tls, "listen: {tls: {cert: c.pem, key: l.pem}}", ["listen.tls.key"]],
    ["", "workers: 3", ["workers"]],
    ["", "admin: {address: '::1'}", ["admin.address"]],
    ["", "admin: {port: 1}", ["admin.port"]],
    ["", "admin: {token: abc}", ["admin.token"]],
    ["", "storage: {local: {path: /data}}", ["storage.local.path"]],
    [
      "",
      "storage: {local: {temporary-file-pattern: x*}}",
      ["storage.local.temporary-file-pattern"],
    ],
    ["", "prefetch: updates", ["prefetch"]],
    ["", "log: {format: json}", ["log.format"]],
    [
      "listen: {port: 1}\nlog: {format: text}",
      "listen: {port: 2}\nlog: {format: json}\nstorage: {local: {path: x}}",
      ["listen.port", "storage.local.path", "log.format"],
    ],
  ];
  for (const [old, next, keys] of examples) {
    assertEquals(restartKeys(load(old), load(next)), keys, next);
  }
});

Deno.test("what can change while the program runs is not named", () => {
  const next = load(`
misc: {first-chunk-bytes: 1, chunk-bytes: 2}
cache: {timeout: never, max-size: 1GB, offline: true, policies: [{match: x}]}
race: {width: 5, segments: off}
fetch: {head-timeout: 1s, stall-timeout: 2s, minimum-rate: 1, range-skip: 1, max-fills: 3}
storage: {local: {accel: {enable-by-header: X-Location}}}
log: {level: debug, requests: true, events: false, file: {path: a.log}}
admin: {debug: true}
`);
  const old: Config = { ...load(""), upstreams: [] };
  assertEquals(restartKeys(old, next), []);
});

Deno.test("a file that says the same in other words needs no restart", () => {
  const defaults = "listen: {address: '', port: '8881'}\nstorage: {local: {path: ./data}}";
  assertEquals(restartKeys(load(""), load(defaults)), []);
  const tls = "listen: {tls: {cert: c.pem, key: k.pem}}";
  assertEquals(restartKeys(load(tls), load(tls)), []);
});
