import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { matchesVary, selectingFields, variantKey, varyNames } from "../../src/decide/vary.ts";
import { fieldLines } from "../support/field_lines.ts";

/** Whether the second request gets what was stored for the first one. */
function suits(vary: string, stored: readonly string[], presented: readonly string[]): boolean {
  const names = varyNames(fieldLines(`Vary: ${vary}`));
  if (names === "*") return false;
  const fields = selectingFields(names, fieldLines(...stored));
  return matchesVary(fields, fieldLines(...presented));
}

Deno.test("RFC 9110 12.5.5: the names of all lines, in one case, sorted, each once", () => {
  const table: [lines: string[], names: readonly string[] | "*"][] = [
    [[], []],
    [["Vary:"], []],
    [["Vary: ,, ,"], []],
    [["Vary: Foo"], ["foo"]],
    [["Vary: Foo, bar,FOO ,\tBaz"], ["bar", "baz", "foo"]],
    [["Vary: b", "X: y", "Vary: a"], ["a", "b"]],
    [["Vary: Accept-Encoding"], ["accept-encoding"]],
    [["Vary: *"], "*"],
    [["Vary: Foo, *"], "*"],
    [["Vary: *, Foo"], "*"],
    [["Vary:", "Vary: , *"], "*"],
    [["Vary: foo*"], ["foo*"]],
  ];
  for (const [lines, names] of table) assertEquals(varyNames(fieldLines(...lines)), names);
});

Deno.test("RFC 9111 4.1: a request that has the same in all named fields matches", () => {
  assert(suits("Foo", ["Foo: 1"], ["Foo: 1"]));
  assert(suits("Foo", ["Foo: 1", "Other: 2"], ["Foo: 1", "Other: 3"]));
  assert(suits("Foo, Bar, Baz", ["Foo: 1", "Bar: a", "Baz: 7"], ["Baz: 7", "Foo: 1", "Bar: a"]));
  assert(!suits("Foo", ["Foo: 1"], ["Foo: 2"]));
  assert(!suits("Foo, Bar, Baz", ["Foo: 1", "Bar: a", "Baz: 7"], ["Foo: 1", "Bar: b", "Baz: 7"]));
});

Deno.test("RFC 9111 4.1: a missing field matches a missing one only, an empty one an empty one", () => {
  assert(suits("Foo, Bar", ["Foo: 1"], ["Foo: 1"]));
  assert(!suits("Foo", ["Foo: 1"], []));
  assert(!suits("Foo", [], ["Foo: 1"]));
  assert(!suits("Foo", ["Foo:"], []));
  assert(!suits("Foo", [], ["Foo:"]));
  assert(suits("Foo", ["Foo:"], ["Foo:  "]));
  assert(!suits("Foo", ["Foo:"], ["Foo: x"]));
});

Deno.test("RFC 9111 4.1: whitespace and several lines do not count", () => {
  assert(suits("Foo", ["Foo: 1,2"], ["Foo:  1, 2 "]));
  assert(suits("Foo", ["Foo: 1, 2"], ["Foo: 1", "Foo: 2"]));
  assert(suits("Foo", ["Foo: 1 ,\t2"], ["Foo: 1,2"]));
  assert(!suits("Foo", ["Foo: 1, 2"], ["Foo: 2, 1"]));
  assert(!suits("Foo", ["Foo: 1 2"], ["Foo: 1  2"]));
  assert(!suits("Foo", ['Foo: "1,2"'], ['Foo: "1, 2"']));
});

Deno.test("RFC 9111 4.1: case counts unless the field's definition says that it does not", () => {
  assert(!suits("Foo", ["Foo: a"], ["Foo: A"]));
  assert(!suits("Accept", ["Accept: text/html;v=a"], ["Accept: text/html;v=A"]));
  assert(suits("Accept-Language", ["Accept-Language: de-AT,en"], ["Accept-Language: De-at, EN"]));
  assert(suits("Accept-Charset", ["Accept-Charset: UTF-8"], ["Accept-Charset: utf-8"]));
  // The order of equals is a preference to some servers.
  assert(!suits("Accept-Language", ["Accept-Language: de, en"], ["Accept-Language: en, de"]));
});

Deno.test("what upstreams do not get to see selects nothing", () => {
  assert(suits("Cookie, Authorization", ["Cookie: a=b"], ["Authorization: x"]));
  assert(suits("Foo", ["Connection: Foo", "Foo: 1"], []));
  const names = ["accept-encoding", "cookie", "foo"];
  const request = fieldLines("Accept-Encoding: gzip", "Cookie: a=b", "Foo: 1");
  assertEquals(selectingFields(names, request), [["cookie", ""], ["foo", "1"]]);
  assertEquals(selectingFields(["accept-encoding"], request), []);
});

Deno.test("an answer without selecting fields suits every request", () => {
  assert(matchesVary([], fieldLines("Foo: 1")));
});

Deno.test("a variant's key is no client's, and differs as its fields do", () => {
  assertEquals(variantKey("/a?b", []), "/a?b");
  const one = variantKey("/a", [["foo", "1"]]);
  assert(/^\/a\n[0-9a-f]{64}$/.test(one));
  assertEquals(variantKey("/a", [["foo", "1"]]), one);
  const others = [
    variantKey("/b", [["foo", "1"]]),
    variantKey("/a", [["foo", "2"]]),
    variantKey("/a", [["foo", ""]]),
    variantKey("/a", [["foo", " "]]),
    variantKey("/a", [["bar", "1"]]),
    variantKey("/a", [["foo", "1"], ["bar", ""]]),
  ];
  assertEquals(new Set([one, ...others]).size, 7);
});

Deno.test("the request that an answer is stored for matches, and its fields are normal already", () => {
  const name = fc.constantFrom("foo", "bar", "accept-language", "connection", "cookie");
  const value = fc.stringMatching(/^[ ,"aA\t]{0,8}$/);
  const request = fc.array(fc.tuple(name, value), { maxLength: 6 });
  fc.assert(fc.property(fc.uniqueArray(name), request, (names, headers) => {
    const fields = selectingFields(names, headers);
    assertEquals(fields.map(([field]) => field), names);
    assert(matchesVary(fields, headers));
    const again = fields.filter(([, text]) => text !== "");
    assertEquals(selectingFields(names, again), fields);
  }));
});

Deno.test("two requests match if and only if their variants have one key", () => {
  const line = fc.tuple(fc.constantFrom("foo", "bar"), fc.constantFrom("", "a", "a,b", "a , b"));
  const request = fc.array(line, { maxLength: 3 });
  fc.assert(fc.property(request, request, (one, other) => {
    const fields = selectingFields(["bar", "foo"], one);
    const keys = [fields, selectingFields(["bar", "foo"], other)].map((it) => variantKey("/", it));
    if (matchesVary(fields, other)) assertEquals(keys[0], keys[1]);
    else assertNotEquals(keys[0], keys[1]);
  }));
});
