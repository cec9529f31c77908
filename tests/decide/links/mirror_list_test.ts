import { assertEquals } from "@std/assert";
import { rewriteWhole } from "../../../src/decide/links/link_rewriter.ts";
import { MirrorList } from "../../../src/decide/links/mirror_list.ts";

/** Two mirrors are ours, mounted at one place. */
function map(link: string): string | null {
  const path = /^https?:\/\/(?:one|two)\.example\.org(\/.*)$/.exec(link)?.[1];
  return path === undefined ? null : `http://cache:8881/own${path}`;
}

function rewrite(text: string): string {
  const bytes = rewriteWhole(new TextEncoder().encode(text), new MirrorList(map));
  return new TextDecoder().decode(bytes);
}

Deno.test("of a metalink our mirrors stay, at our address, once", () => {
  const list = (urls: string): string =>
    `<?xml version="1.0"?>\n<metalink xmlns="http://www.metalinker.org/">\n` +
    `<file name="repomd.xml">\n<verification><hash type="sha256">ab</hash></verification>\n` +
    `<resources>\n${urls}</resources>\n</file>\n</metalink>\n`;
  const file = "os/repodata/repomd.xml?a=1&amp;b=$1";
  assertEquals(
    rewrite(list(
      `  <url protocol="rsync" preference="100">rsync://one.example.org/os/repodata/repomd.xml</url>\n` +
        `  <url protocol="https" preference="99">https://one.example.org/${file}</url>\n` +
        `  <url protocol="https" preference="98">https://two.example.org/${file}</url>\n` +
        `  <url protocol="https" preference="97">https://far.example.org/${file}</url>\n`,
    )),
    list(
      `  \n  <url protocol="https" preference="99">http://cache:8881/own/${file}</url>\n  \n  \n`,
    ),
  );
});

Deno.test("of plain lines, too, and comments stay", () => {
  assertEquals(
    rewrite("# repo = x\nhttps://far.example.org/os/\nhttps://two.example.org/os/\n"),
    "# repo = x\nhttp://cache:8881/own/os/\n",
  );
});

Deno.test("a list without a mirror of ours stays as it is, and so does one that is too long", () => {
  const lists = [
    "",
    "# none\n",
    "https://far.example.org/os/\nhttps://other.example.org/os/\n",
    '<metalink><url protocol="https">https://far.example.org/x</url></metalink>',
    "https://one.example.org/os/\n".repeat(50_000),
  ];
  for (const list of lists) assertEquals(rewrite(list), list);
});

Deno.test("a list comes in pieces of any size", () => {
  const bytes = new TextEncoder().encode("https://one.example.org/os/\nhttps://far.example.org/\n");
  const rewriter = new MirrorList(map);
  const buffer = new Uint8Array(1);
  let out = "";
  for (const byte of bytes) {
    // The same memory each time, as a reader has it.
    buffer[0] = byte;
    out += new TextDecoder().decode(rewriter.push(buffer));
  }
  out += new TextDecoder().decode(rewriter.end());
  assertEquals(out, "http://cache:8881/own/os/\n");
});
