import { assertEquals, assertThrows } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";
import { ConfigError } from "../../src/errors.ts";

function load(auth: string) {
  const text = `upstream: [{ server: "http://mirror.example", auth: ${auth} }]`;
  return loadConfig(text, (name) => name === "TOKEN" ? "t0ken" : undefined);
}

Deno.test("credentials come in three forms", () => {
  const table: [auth: string, expected: unknown][] = [
    ["{ netrc: /etc/netrc }", { kind: "netrc", path: "/etc/netrc" }],
    ["{ bearer: '${TOKEN}' }", { kind: "bearer", token: "t0ken" }],
    ["{ user: me, password: '' }", { kind: "basic", user: "me", password: "" }],
  ];
  for (const [auth, expected] of table) {
    assertEquals(load(auth).config.upstreams[0]?.auth, expected, auth);
  }
});

Deno.test("what is wrong with credentials is told without them", () => {
  const table = [
    "s3cret",
    '{ bearer: "s3cret s3cret" }',
    "{ bearer: s3cret, user: me }",
    "{ user: me, password: [s3cret] }",
    "{ user: me }",
    "{ passwort: s3cret }",
    "{}",
  ];
  for (const auth of table) {
    const { message } = assertThrows(() => load(auth), ConfigError);
    assertEquals(message.includes("s3cret"), false, message);
  }
});

Deno.test("names in brackets are ours", () => {
  const text = `upstream: [{ server: "http://mirror.example", name: "(forward)" }]`;
  assertThrows(() => loadConfig(text, () => undefined), ConfigError);
});
