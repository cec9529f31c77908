import { assertEquals } from "@std/assert";
import { addressList } from "../../src/decide/address_list.ts";
import { clientAddress } from "../../src/decide/client_address.ts";
import { type ArrivalFacts, publicBase } from "../../src/decide/public_base.ts";

const trustedProxies = addressList(["127.0.0.1", "10.0.0.0/8"]);

function facts(
  fields: Readonly<Record<string, string>>,
  rest: Partial<Omit<ArrivalFacts, "field">> = {},
): ArrivalFacts {
  const field = (name: string): string | null => fields[name] ?? null;
  return { peer: "127.0.0.1", scheme: "http", host: "cache:8881", field, ...rest };
}

Deno.test("the configured URL counts, whatever the request says", () => {
  const settings = { publicUrl: "https://cache.example.org/x", trustedProxies };
  const said = facts({ "x-forwarded-host": "evil.example" }, { host: "other" });
  assertEquals(publicBase(said, settings), "https://cache.example.org/x");
});

Deno.test("without a trusted front server the Host field counts, if it can stand in a link", () => {
  const settings = { publicUrl: null, trustedProxies: addressList([]) };
  const table: [host: string | null, scheme: "http" | "https", base: string | null][] = [
    ["cache:8881", "http", "http://cache:8881"],
    ["Cache.Example.ORG", "http", "http://cache.example.org"],
    ["cache:80", "http", "http://cache"],
    ["cache:80", "https", "https://cache:80"],
    ["cache:443", "https", "https://cache"],
    ["[::1]:8881", "http", "http://[::1]:8881"],
    ["10.0.0.1", "http", "http://10.0.0.1"],
    [null, "http", null],
    ["", "http", null],
    ["user@cache", "http", null],
    ["cache/path", "http", null],
    ['cache"><script>', "http", null],
    ["cache%2eorg", "http", null],
    ["cache:0", "http", null],
    ["cache:65536", "http", null],
    ["cache:", "http", null],
    ["a b", "http", null],
    [".", "http", null],
    ["a, b", "http", null],
    ["ключ.example", "http", null],
  ];
  for (const [host, scheme, base] of table) {
    const said = facts({ "x-forwarded-host": "evil.example", forwarded: "host=evil.example" }, {
      host,
      scheme,
    });
    assertEquals(publicBase(said, settings), base, `${host}`);
  }
});

Deno.test("a trusted front server is believed, an untrusted one is not", () => {
  const settings = { publicUrl: null, trustedProxies };
  const table: [fields: Record<string, string>, base: string | null][] = [
    [{}, "http://cache:8881"],
    [{ "x-forwarded-proto": "https" }, "https://cache:8881"],
    [{ "x-forwarded-host": "a.example" }, "http://a.example"],
    [{ "x-forwarded-proto": "HTTPS", "x-forwarded-host": "a.example" }, "https://a.example"],
    [{ "x-forwarded-host": "a.example", "x-forwarded-port": "8443" }, "http://a.example:8443"],
    [{ "x-forwarded-host": "a.example:81", "x-forwarded-port": "80" }, "http://a.example"],
    [{ "x-forwarded-prefix": "/mirror/" }, "http://cache:8881/mirror"],
    [{ "x-forwarded-prefix": "/" }, "http://cache:8881"],
    [{ "x-forwarded-prefix": "//evil.example" }, "http://cache:8881"],
    [{ "x-forwarded-prefix": "/a/../b" }, "http://cache:8881"],
    [{ "x-forwarded-prefix": "evil" }, "http://cache:8881"],
    [{ "x-forwarded-host": "evil.example, a.example" }, "http://a.example"],
    [{ "x-forwarded-host": "user@evil.example" }, null],
    [{ "x-forwarded-proto": "javascript" }, "http://cache:8881"],
    [{ "x-forwarded-port": "99999" }, "http://cache:8881"],
    [{ forwarded: 'for=1.2.3.4;host="a.example:444";proto=https' }, "https://a.example:444"],
    [{ forwarded: "host=evil.example, Host=a.example ; Proto=https" }, "https://a.example"],
    [{ forwarded: 'host="a.exa\\mple"' }, "http://a.example"],
    [{ forwarded: "host=a.example;;" }, "http://cache:8881"],
    [{ forwarded: 'host="a.example' }, "http://cache:8881"],
    [{ forwarded: "host=evil.example", "x-forwarded-proto": "https" }, "https://cache:8881"],
  ];
  for (const [fields, base] of table) {
    const label = JSON.stringify(fields);
    assertEquals(publicBase(facts(fields), settings), base, label);
    const stranger = facts(fields, { peer: "203.0.113.7" });
    assertEquals(publicBase(stranger, settings), "http://cache:8881", label);
  }
});

Deno.test("the client is the nearest one that is not trusted", () => {
  const table: [peer: string, fields: Record<string, string>, client: string][] = [
    ["203.0.113.7", { "x-forwarded-for": "1.1.1.1" }, "203.0.113.7"],
    ["127.0.0.1", {}, "127.0.0.1"],
    ["127.0.0.1", { "x-forwarded-for": "192.0.2.1" }, "192.0.2.1"],
    ["::ffff:127.0.0.1", { "x-forwarded-for": "192.0.2.1" }, "192.0.2.1"],
    ["127.0.0.1", { "x-forwarded-for": "6.6.6.6, 192.0.2.1" }, "192.0.2.1"],
    ["127.0.0.1", { "x-forwarded-for": "6.6.6.6, 192.0.2.1, 10.0.0.3" }, "192.0.2.1"],
    ["127.0.0.1", { "x-forwarded-for": "10.0.0.4, 10.0.0.3" }, "10.0.0.4"],
    ["127.0.0.1", { "x-forwarded-for": "6.6.6.6, nonsense, 10.0.0.3" }, "10.0.0.3"],
    ["127.0.0.1", { "x-forwarded-for": "unknown" }, "127.0.0.1"],
    ["127.0.0.1", { "x-forwarded-for": "[2001:db8::1]:4711" }, "2001:db8::1"],
    ["127.0.0.1", { "x-forwarded-for": "192.0.2.1:4711" }, "192.0.2.1"],
    ["127.0.0.1", { forwarded: 'for="[2001:db8::1]:4711"' }, "2001:db8::1"],
    ["127.0.0.1", { forwarded: "for=6.6.6.6, for=192.0.2.1" }, "192.0.2.1"],
    ["127.0.0.1", { forwarded: "for=_hidden" }, "127.0.0.1"],
  ];
  for (const [peer, fields, client] of table) {
    assertEquals(clientAddress(facts(fields, { peer }), trustedProxies), client, `${peer}`);
  }
});
