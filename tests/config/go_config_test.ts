import { assertEquals } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";

/** A file as users of the Go program have it, in the spelling of its older versions. */
const OLD = `
listen:
  address: 0.0.0.0
  port: 8881
upstream:
  - server: https://mirrors.one.example
    match:
      match: /(debian|ubuntu|alpine)/(.*)
      replace: /$1/$2
    checkers:
      headers:
        - name: content-type
          match: application/octet-stream
  - server: https://two.example/repos/code
    match:
      match: /code(.*)
      replace: '$1'
    allowed-redirect: ^https?://builds\\.example/.*$
    priority-groups:
      - match: /dists/.*
        priority: 10
  - server: https://three.example/
    match:
      match:
      replace:
misc:
  first-chunk-bytes: 52428800 # 50M
  chunk-bytes: 1048576
cache:
  timeout: 1h
  policies:
    - match: '.*\\.(rpm|deb|apk|iso)$'
      refresh-after: never
    - match: ^/code/
      refresh-after: 1h30m
storage:
  type: local
  local:
    path: ./data
    temporary-file-pattern: temp.*
  accel:
    enable-by-header: X-Accel-Enable
    response-with-headers: [X-Sendfile, X-Accel-Redirect]
`;

/** The same in the present spelling. */
const PRESENT = OLD
  .replaceAll("    match:\n      match:", "    path:\n      match:")
  .replace("  accel:\n    enable", "    accel:\n      enable")
  .replace("    response-with", "      respond-with");

Deno.test("a file for the Go program works unchanged, with the new names as warnings", () => {
  const old = loadConfig(OLD, () => undefined);
  assertEquals(old.warnings, [
    "upstream[0].match: old spelling, write upstream[0].path",
    "upstream[1].match: old spelling, write upstream[1].path",
    "upstream[2].match: old spelling, write upstream[2].path",
    "storage.accel: old spelling, write storage.local.accel",
    "storage.accel.response-with-headers: old spelling, " +
    "write storage.local.accel.respond-with-headers",
  ]);
  const present = loadConfig(PRESENT, () => undefined);
  assertEquals(present.warnings, []);
  assertEquals(JSON.stringify(old.config), JSON.stringify(present.config));
});

Deno.test("a file for the Go program means the same here", () => {
  const { config } = loadConfig(OLD, () => undefined);
  const mapped = config.upstreams.map(({ server, mapping }) => {
    const path = "/code/debian/x.deb";
    if (mapping === null) return server + path;
    return mapping.match.test(path) ? server + mapping.match.replaceAll(path, mapping.replace) : "";
  });
  assertEquals(mapped, [
    "https://mirrors.one.example/code/debian/x.deb",
    "https://two.example/repos/code/debian/x.deb",
    "https://three.example/code/debian/x.deb",
  ]);
  assertEquals(config.upstreams[0]?.checkers[0]?.statusCodes, [200]);
  assertEquals(config.upstreams[0]?.checkers[0]?.headers[0]?.name, "content-type");
  assertEquals(config.upstreams[1]?.priorityGroups[0]?.priority, 10);
  assertEquals(config.misc, { firstChunkBytes: 52_428_800, chunkBytes: 1_048_576 });
  assertEquals(config.cache.policies.map(({ refreshAfter }) => refreshAfter), [
    "never",
    5_400_000,
    3_600_000,
  ]);
  assertEquals(config.storage.accel, {
    enableByHeader: "x-accel-enable",
    respondWithHeaders: ["X-Sendfile", "X-Accel-Redirect"],
  });
});
