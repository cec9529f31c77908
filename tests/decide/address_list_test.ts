import { assertEquals, assertThrows } from "@std/assert";
import { addressList, isAddressRange, plainAddress } from "../../src/decide/address_list.ts";

Deno.test("addresses are found in ranges of both families, mapped ones as what they are", () => {
  const list = addressList(["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "::ffff:192.0.2.0/120"]);
  const table: [address: string, isListed: boolean][] = [
    ["127.0.0.1", true],
    ["127.0.0.2", false],
    ["10.255.0.1", true],
    ["11.0.0.1", false],
    ["::ffff:10.1.2.3", true],
    ["::ffff:11.1.2.3", false],
    ["::1", true],
    ["[::1]", true],
    ["::2", false],
    ["fd12::1", true],
    ["fd12::1%eth0", true],
    ["fe80::1", false],
    ["192.0.2.77", true],
    ["192.0.3.77", false],
    ["", false],
    ["localhost", false],
    ["10.1", false],
    ["012.0.0.1", false],
    ["0x0a.0.0.1", false],
  ];
  for (const [address, isListed] of table) assertEquals(list(address), isListed, address);
});

Deno.test("an empty list has nobody, 0.0.0.0/0 has every IPv4 address", () => {
  assertEquals(addressList([])("127.0.0.1"), false);
  assertEquals(addressList(["0.0.0.0/0"])("203.0.113.9"), true);
  assertEquals(addressList(["0.0.0.0/0"])("2001:db8::1"), false);
});

Deno.test("what is neither address nor range is no entry", () => {
  const entries = ["", "host", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/8/8"];
  for (const entry of entries) {
    assertEquals(isAddressRange(entry), false, entry);
    assertThrows(() => addressList([entry]), Error, "Cannot read address");
  }
  for (const entry of ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"]) {
    assertEquals(isAddressRange(entry), true, entry);
  }
});

Deno.test("an address has one spelling", () => {
  assertEquals(plainAddress("::FFFF:7f00:1"), "127.0.0.1");
  assertEquals(plainAddress("2001:DB8:0:0::1"), "2001:db8::1");
  assertEquals(plainAddress("2130706433"), null);
});
