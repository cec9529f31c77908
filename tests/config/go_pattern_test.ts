import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { compilePattern } from "../../src/config/go_pattern.ts";

/** The results are those of ReplaceAllString in Go 1.26. */
const REPLACED: readonly (readonly [
  pattern: string,
  text: string,
  replacement: string,
  result: string,
])[] = [
  ["^/(debian|ubuntu)/(.*)", "/debian/pool/x", "/$1/$2", "/debian/pool/x"],
  ["/(debian|ubuntu)/(.*)", "/a/debian/pool/x", "/$1/$2", "/a/debian/pool/x"],
  ["^/microsoft-code(.*)", "/microsoft-code/dists", "$1", "/dists"],
  ["(a)(b)?", "abaa", "[$1x]", "[][][]"],
  ["(a)(b)?", "abaa", "[${1}x]", "[ax][ax][ax]"],
  ["(a)(b)?", "abaa", "[$2]", "[b][][]"],
  ["(a)", "a", "$$1", "$1"],
  ["(a)", "a", "$$$1", "$a"],
  ["(a)", "a", "$", "$"],
  ["(a)", "a", "$-${}$", "$-${}$"],
  ["(a)", "a", "${1", "${1"],
  ["(a)", "a", "$01|${01}", "|"],
  ["(a)", "a", "$7|${name}", "|"],
  ["a", "a", "<$0>", "<a>"],
  ["a", "a", "$999999999|$1000000000", "|"],
  ["(?P<dir>[a-z]+)/(?P<file>.+)", "pool/x.deb", "${file} in $dir", "x.deb in pool"],
  ["(?P<dir>[a-z]+)/(?P<file>.+)", "pool/x.deb", "$dir_$file", "x.deb"],
  ["(?<dir>[a-z]+)/", "pool/", "${dir}", "pool"],
  ["(?P<1x>a)", "a", "$1x", "a"],
  ["(?P<01>a)", "a", "$01", "a"],
  ["(?P<n>a)|b", "b", "[${n}]", "[]"],
  ["a*", "baac", "-", "-b-c-"],
  ["a*?", "baac", "-", "-b-a-a-c-"],
  ["", "añb", "-", "-a-ñ-b-"],
  ["b*", "😀b😀", "-", "-😀-😀-"],
  ["x*$", "axx", "-", "a-"],
  ["^", "/x", "/y", "/y/x"],
  ["$", "/x", "/y", "/x/y"],
  ["\\b", "foo bar", "|", "|foo| |bar|"],
  ["(?i)DEBIAN", "/Debian/debian", "x", "/x/x"],
  ["(?i)k", "K", "x", "x"],
  ["(?m)^.", "a\nb", "-", "-\n-"],
  ["^b", "a\nb", "-", "a\nb"],
  [".", "\n", "-", "\n"],
  ["(?s).", "\n", "-", "-"],
  ["(?U)a+", "aaa", "-", "---"],
  ["a{2,3}", "aaaaa", "-", "--"],
  ["a{,2}", "a{,2}", "-", "-"],
  ["[[:digit:]]+\\pL", "1é2", "-", "-2"],
  ["\\Q.*\\E", "a.*b", "-", "a-b"],
  ["\\z", "a", "-", "a-"],
  ["\\x{1F600}", "😀", "-", "-"],
  ["(|a)*", "aa", "-", "-a-a-"],
  ["(a|ab)(c|bcd)(d*)", "abcd", "$1,$2,$3", "a,bcd,"],
  ["a", "a", "é$0é", "é"],
  ["a", "a", "$é", ""],
];

/** Whether Go's MatchString finds the expression in the text. */
const FOUND: readonly (readonly [pattern: string, text: string, found: boolean])[] = [
  ["", "anything", true],
  ["/dists/", "/debian/dists/sid/InRelease", true],
  ["^/dists/", "/debian/dists/sid/InRelease", false],
  [".*\\.(rpm|deb|apk|iso)$", "/x/hello_2.10-3_amd64.deb", true],
  [".*\\.(rpm|deb|apk|iso)$", "/x/hello.deb.asc", false],
  ["(?i)^application/octet-stream$", "Application/Octet-Stream", true],
  ["^https?://cdn\\.example/", "https://cdn.example/x", true],
  ["^https?://cdn\\.example/", "https://cdnxexample/x", false],
  ["a$", "a\n", false],
  ["a\\z", "a", true],
];

/** What Go refuses, too, but for the last one. */
const REFUSED: readonly (readonly [pattern: string, why: string])[] = [
  ["(?=x)", `"(?=" is lookahead, which Go's regular expressions do not have`],
  ["a(?!x)", `"(?!" is lookahead, which Go's regular expressions do not have`],
  ["(?<=x)y", `"(?<=x)y" is lookbehind, which Go's regular expressions do not have`],
  ["(?<!x)y", `"(?<!x)y" is lookbehind, which Go's regular expressions do not have`],
  ["(?>x)", `"(?>" is an atomic group, which Go's regular expressions do not have`],
  ["(a)\\1", `"\\\\1" is a back-reference, which Go's regular expressions do not have`],
  ["(?P<n>a)\\k<n>", `"\\\\k" is a back-reference, which Go's regular expressions do not have`],
  ["[a", `missing closing ] "[a"`],
  ["(a", `missing closing ) "(a"`],
  ["a)", `unexpected ) "a)"`],
  ["*a", `missing argument to repetition operator "*"`],
  ["a++", `invalid nested repetition operator "++"`],
  ["a{1001}", `invalid repeat count "{1001}"`],
  ["[z-a]", `invalid character class range "z-a"`],
  ["\\Z", `invalid escape sequence "\\\\Z"`],
  ["\\p{Foo}", `invalid character class range "\\\\p{Foo}"`],
  ["a\\", "trailing backslash at end of expression"],
  ["(?P<n>a)(?P<n>b)", `duplicate capture group name "n"`],
];

Deno.test("every match is replaced as Go's ReplaceAllString does it", () => {
  for (const [pattern, text, replacement, result] of REPLACED) {
    const actual = compilePattern(pattern).replaceAll(text, replacement);
    assertEquals(actual, result, `${pattern} in ${text} by ${replacement}`);
  }
});

Deno.test("an expression is found where Go finds it", () => {
  for (const [pattern, text, found] of FOUND) {
    assertEquals(compilePattern(pattern).test(text), found, `${pattern} in ${text}`);
  }
});

Deno.test("what Go refuses is refused, and the message says why", () => {
  for (const [pattern, why] of REFUSED) {
    const message = `Cannot compile regular expression ${JSON.stringify(pattern)}: ${why}`;
    assertThrows(() => compilePattern(pattern), Error, message);
  }
});

Deno.test("a pattern may be used again and again, for one text after the other", () => {
  const pattern = compilePattern("^/(a+)");
  for (const text of ["/a/a", "/aa", "/b", "/a/a"]) {
    assertEquals(pattern.replaceAll(text, "<$1>"), text.replace(/^\/(a+)/, "<$1>"));
    assertEquals(pattern.test(text), text !== "/b");
  }
  assertEquals(pattern.source, "^/(a+)");
});

Deno.test("a replacement without a dollar is taken as it is", () => {
  const pattern = compilePattern("b+");
  const plain = fc.string().filter((text) => !text.includes("$"));
  fc.assert(fc.property(plain, (replacement) => {
    assertEquals(pattern.replaceAll("abbc", replacement), `a${replacement}c`);
  }));
});

Deno.test("doubled dollars give any replacement literally", () => {
  const pattern = compilePattern("(b)+");
  fc.assert(fc.property(fc.string(), (replacement) => {
    const escaped = replacement.replaceAll("$", "$$$$");
    assertEquals(pattern.replaceAll("abbc", escaped), `a${replacement}c`);
  }));
});

Deno.test("an expression that makes others backtrack runs in linear time", () => {
  const text = `${"a".repeat(8192)}!`;
  assertEquals(compilePattern("^(a+)+$").test(text), false);
  assertEquals(compilePattern("^(a|aa)+$").replaceAll(text, "x"), text);
});

Deno.test("groups are known by number and by name", () => {
  const pattern = compilePattern("(?P<dir>a)(b)");
  for (const name of ["0", "1", "2", "dir"]) assert(pattern.hasGroup(name), name);
  for (const name of ["3", "01", "file", ""]) assert(!pattern.hasGroup(name), name);
  assertEquals(pattern.unknownReferences("$1/${2}/$dir/$$/$1x/${file}/$3/$"), [
    "$1x",
    "${file}",
    "$3",
  ]);
});

Deno.test("the first group of the first match is captured", () => {
  const examples: [source: string, text: string, captured: string | null][] = [
    ["^/(a+)/", "/aa/b", "aa"],
    ["(b)|(a)", "aab", null],
    ["(b?)a", "aba", ""],
    ["x(y)?", "x", null],
    ["(?P<name>b+)", "abb-b", "bb"],
    ["a", "a", null],
    ["(a)", "b", null],
  ];
  for (const [source, text, captured] of examples) {
    assertEquals(compilePattern(source).capture(text), captured, `${source} on ${text}`);
  }
});
