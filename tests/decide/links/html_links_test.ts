import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { HtmlLinks } from "../../../src/decide/links/html_links.ts";
import { rewriteWhole } from "../../../src/decide/links/link_rewriter.ts";
import { MAX_LINK_BYTES } from "../../../src/decide/links/splice.ts";
import { cuts, inPieces, rewritten, soup } from "./pieces.ts";

const marked = (): HtmlLinks => new HtmlLinks((link) => `[${link}]`, () => {});

Deno.test("href of an anchor is replaced, all other bytes stay", () => {
  const cases: readonly (readonly [before: string, after: string])[] = [
    ['<a href="x">', '<a href="[x]">'],
    ["<a href='x'>x</a>", '<a href="[x]">x</a>'],
    ["<a href=x>", '<a href="[x]">'],
    ["<a href=x/y class=z>", '<a href="[x/y]" class=z>'],
    ["<A\n HREF = 'x' >", '<A\n HREF = "[x]" >'],
    ['<a/href="x"/>', '<a/href="[x]"/>'],
    [
      '<a data-requires-python="&gt;=3.6" href="a&amp;b#sha256=1" data-yanked="a &quot; b">',
      '<a data-requires-python="&gt;=3.6" href="[a&amp;b#sha256=1]" data-yanked="a &quot; b">',
    ],
    ['<a href="&#x78;&#121;">', '<a href="[xy]">'],
    ["<a href='\"'>", '<a href="[&quot;]">'],
    ['<a x href="x">', '<a x href="[x]">'],
    ["<a = href=x>", '<a = href="[x]">'],
    ['<a title="<a href=y>" href=x>', '<a title="<a href=y>" href="[x]">'],
    ["<!-- <a href=n> --><a href=x>", '<!-- <a href=n> --><a href="[x]">'],
    ["<!--><a href=x>", '<!--><a href="[x]">'],
    ["<!---><a href=x>", '<!---><a href="[x]">'],
    ["<!-- - -- --!><a href=x>", '<!-- - -- --!><a href="[x]">'],
    ["<!DOCTYPE html><a href=x>", '<!DOCTYPE html><a href="[x]">'],
    ["<?xml a='<a href=n'?><a href=x>", "<?xml a='<a href=n'?><a href=\"[x]\">"],
    ["<title><a href=n></title><a href=x>", '<title><a href=n></title><a href="[x]">'],
    [
      "<script>'</scripts>'<a href=n></script ><a href=x>",
      "<script>'</scripts>'<a href=n></script ><a href=\"[x]\">",
    ],
    ["<style><</style><a href=x>", '<style><</style><a href="[x]">'],
    ["<<a href=x>", '<<a href="[x]">'],
    ["1 < 2 <a href=x>", '1 < 2 <a href="[x]">'],
    ["</ a><a href=x>", '</ a><a href="[x]">'],
    ["<a href=é>", '<a href="[é]">'],
  ];
  for (const [before, after] of cases) assertEquals(rewritten(before, marked()), after, before);
});

Deno.test("what is no link of an anchor comes out as it came", () => {
  const texts = [
    "<ab href=x>",
    "<link href=x>",
    "</a href=x>",
    "<a hrefs=x href2='y'>",
    "<a href>",
    "<a href=>",
    "<a href=",
    '<a href="unfinished',
    "<a href",
    "<!-- <a href=x> -- > <a href=y> --",
    "<!--!><a href=x>",
    "<textarea><a href=x>",
    "<title></titl><a href=x>",
    "&lt;a href=x>",
    '<base href="x">',
    "a\0<b\r\n>\ufeff",
    `<a href="${"x".repeat(MAX_LINK_BYTES)}">`,
    `<a ${"href".repeat(10)}=x>`,
  ];
  for (const text of texts) assertEquals(rewritten(text, marked()), text, text.slice(0, 80));
});

Deno.test("the first base is shown before the links behind it", () => {
  const seen: string[] = [];
  const rewriter = new HtmlLinks(
    (link) => {
      seen.push(link);
      return null;
    },
    (base) => seen.push(`base ${base}`),
  );
  const page = "<base><a href=1><base href=x><a href=2><base href=y><a href=3>";
  assertEquals(rewritten(page, rewriter), page);
  assertEquals(seen, ["1", "base x", "2", "3"]);
});

Deno.test("bytes that are no UTF-8 stay as they are", () => {
  const latin = Uint8Array.from("<a href='\xe9'>\xff<a href=x>", (char) => char.charCodeAt(0));
  const after = Uint8Array.from(
    "<a href='\xe9'>\xff<a href=\"[x]\">",
    (char) => char.charCodeAt(0),
  );
  assertEquals(rewriteWhole(latin, marked()), after);
});

const FRAGMENTS = [
  ...[
    "<a ",
    "<a href=",
    'href="x"',
    "href='é'",
    "href",
    "=",
    "x",
    '"',
    "'",
    ">",
    "/>",
    "</a>",
    "é",
  ],
  ...[
    "<!--",
    "-->",
    "--!>",
    "-",
    "!",
    "<!",
    "<?",
    "</",
    "<",
    " ",
    "\n",
    "😀",
    "&amp;",
    "<base href=b>",
  ],
  ...["<title>", "</title>", "<script>", "</script", "</scr"],
];

Deno.test("wherever a page is cut, the same comes out", () => {
  fc.assert(
    fc.property(soup(FRAGMENTS), cuts, (bytes, places) => {
      assertEquals(inPieces(bytes, places, marked()), rewriteWhole(bytes, marked()));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a page whose links all stay is unchanged", () => {
  fc.assert(
    fc.property(soup(FRAGMENTS), cuts, (bytes, places) => {
      assertEquals(inPieces(bytes, places, new HtmlLinks(() => null, () => {})), bytes);
    }),
    { numRuns: 1000 },
  );
});
