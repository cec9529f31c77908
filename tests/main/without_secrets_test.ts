import { assertEquals } from "@std/assert";
import { withoutSecrets } from "../../src/main/without_secrets.ts";

Deno.test("credentials, queries and addresses are taken out of a text, paths stay", () => {
  const rows: [text: string, clean: string][] = [
    ["Cannot answer /debian/pool/a_1.2-3.deb", "Cannot answer /debian/pool/a_1.2-3.deb"],
    [
      "https://me:pa:ss@mirror.example/x?sig=abc&e=1 failed",
      "https://***@mirror.example/x?*** failed",
    ],
    ["socks5://me@proxy:1080", "socks5://***@proxy:1080"],
    ["/file?token=abc", "/file?***"],
    ['{"path":"/file?a=b","x":1}', '{"path":"/file?***","x":1}'],
    ["Authorization: Bearer abc.def", "Authorization: *** ***"],
    ["sent bearer abc.def, then", "sent bearer ***, then"],
    ["Basic dTpw", "Basic ***"],
    ['"cookie": "a=b"', '"cookie": "***"'],
    ["token=abc password: x", "token=*** password: ***"],
    ["connect 10.1.2.3:443 refused", "connect *.*.*.*:443 refused"],
    ["from [2001:db8::7]:443", "from [*:*]:443"],
    ["::1 and fe80::1 and 1:2:3:4:5:6:7:8", "*:* and *:* and *:*"],
    ["at 12:30:15 in a::b", "at 12:30:15 in *:*"],
    ["file:///src/main.ts:10:5", "file:///src/main.ts:10:5"],
    ["/pkg-1.2.3.4.tar.gz", "/pkg-1.2.3.4.tar.gz"],
  ];
  for (const [text, clean] of rows) assertEquals(withoutSecrets(text), clean, text);
});

Deno.test("all of what is plain data is cleaned, a copy of it", () => {
  const data = { list: ["Bearer abc", 1, null, { deep: "/a?b" }], flag: true };
  const before = structuredClone(data);
  assertEquals(withoutSecrets(data), {
    list: ["Bearer ***", 1, null, { deep: "/a?***" }],
    flag: true,
  });
  assertEquals(data, before);
  const loop: { self?: unknown } = {};
  loop.self = loop;
  assertEquals(JSON.stringify(withoutSecrets(loop)).length < 200, true, "it ends");
});
