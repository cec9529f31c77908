import { assertEquals, assertThrows } from "@std/assert";
import { loadConfig } from "../../src/config/load_config.ts";
import { ConfigError } from "../../src/errors.ts";

function admin(text: string) {
  const file = `upstream: [{server: https://a.example}]\nadmin: ${text}`;
  return loadConfig(file, (name) => name === "TOKEN" ? "s3cret" : undefined).config.admin;
}

Deno.test("a loopback address of any spelling needs no token", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST."]) {
    assertEquals(admin(`{address: "${address}"}`).token, null, address);
  }
});

Deno.test("an address that others can reach is refused without a token, and taken with one", () => {
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example"]) {
    const error = assertThrows(() => admin(`{address: "${address}"}`), ConfigError);
    assertEquals(error.problems.length, 1, address);
    assertEquals(admin(`{address: "${address}", token: "\${TOKEN}"}`).token, "s3cret");
  }
});

Deno.test("a token that is wrong is not repeated", () => {
  const error = assertThrows(() => admin("{token: 'my secret'}"), ConfigError);
  assertEquals(error.message.includes("my secret"), false, error.message);
});
