import { assertEquals, assertThrows } from "@std/assert";
import { netrcEntryFor, parseNetrc } from "../../src/config/netrc.ts";

Deno.test("a netrc file is read in any layout", () => {
  const text = `
# a comment with machine in it
machine a.example login me password s3cret
machine B.example
  login "a b"   # whose it is
  password "with \\"quotes\\" and \\\\"
  account ignored

macdef init
machine evil.example login x password y

machine c.example login c password #hash
default login anonymous password guest@`;
  assertEquals(parseNetrc(text), [
    { machine: "a.example", login: "me", password: "s3cret" },
    { machine: "b.example", login: "a b", password: 'with "quotes" and \\' },
    { machine: "c.example", login: "c", password: "#hash" },
    { machine: null, login: "anonymous", password: "guest@" },
  ]);
  assertEquals(parseNetrc(""), []);
  assertEquals(parseNetrc("machine x\r\nlogin y\r\npassword z\r\n")[0]?.password, "z");
});

Deno.test("the entry of a host is its own, else the default", () => {
  const entries = parseNetrc("default login d password d machine a.example login a password a");
  assertEquals(netrcEntryFor("A.example", entries)?.login, "a");
  assertEquals(netrcEntryFor("b.a.example", entries)?.login, "d");
  assertEquals(netrcEntryFor("b.example", parseNetrc("machine a login a password a")), null);
});

Deno.test("what is no netrc file is refused, and nothing of it repeated", () => {
  for (
    const text of [
      "s3cret",
      "machine",
      "machine a login",
      "machine a login b s3cret",
      "password s3cret",
    ]
  ) {
    const error = assertThrows(() => parseNetrc(text), Error);
    assertEquals(error.message.includes("s3cret"), false, error.message);
  }
});
