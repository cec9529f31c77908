import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareVersions, isUpdate, packageName } from "../../src/decide/package_name.ts";

Deno.test("the name of a file tells its package and version", () => {
  const examples: [path: string, family: string | null, version?: string][] = [
    ["/debian/pool/h/hello_2.10-3+b1_amd64.deb", "hello _amd64.deb", "2.10-3+b1"],
    ["/debian/pool/g/g%2B%2B_4%3a1_all.deb", "g++ _all.deb", "4:1"],
    ["/r/gcc-c++-13.2.1-6.fc39.x86_64.rpm", "gcc-c++ .x86_64.rpm", "13.2.1-6.fc39"],
    ["/a/lib32-zlib-1.3.1-2-x86_64.pkg.tar.zst", "lib32-zlib -x86_64.pkg.tar.zst", "1.3.1-2"],
    ["/a/gtk4.0-dev-4.12.4-r0.apk", "gtk4.0-dev .apk", "4.12.4-r0"],
    ["/f/ab/numpy-2.0.1-cp312-cp312-a_x86_64.whl", "numpy -cp312-cp312-a_x86_64.whl", "2.0.1"],
    ["/f/six-1.16.0.tar.gz", "six .tar.gz", "1.16.0"],
    ["/npm/@babel/core/-/core-7.24.0-beta.1.tgz", "core .tgz", "7.24.0-beta.1"],
    ["/crates/serde-json-1.0.3.crate", "serde-json .crate", "1.0.3"],
    ["/debian/dists/sid/InRelease", null],
    ["/debian/dists/sid/main/binary-amd64/Packages.xz", null],
    ["/x/%ff_1_all.deb", null],
  ];
  for (const [path, family, version] of examples) {
    const found = packageName(path);
    assertEquals([found?.family ?? null, found?.version], [family, version], path);
  }
});

Deno.test("versions are in the order that people expect", () => {
  const inOrder = ["1.0~rc1", "1.0", "1.0.1", "1.2", "1.10", "1.10a", "2:0.1"];
  for (const [index, one] of inOrder.entries()) {
    for (const [other, text] of inOrder.entries()) {
      const order = Math.sign(compareVersions(one, text));
      assertEquals(order, Math.sign(index - other), `${one} ${text}`);
    }
  }
});

Deno.test("two versions have one order, whichever comes first", () => {
  const version = fc.stringMatching(/^[0-9a-z.~+-]{0,8}$/);
  fc.assert(fc.property(version, version, (one, other) => {
    const [there, back] = [compareVersions(one, other), compareVersions(other, one)];
    assertEquals(Math.sign(there) + Math.sign(back), 0);
    assertEquals(there === 0, one === other);
  }));
});

Deno.test("nobody is given a version that is not out yet, unless they have one", () => {
  assert(isUpdate("x .tgz", "1.0.0", "1.0.1"));
  assert(!isUpdate("x .tgz", "1.0.0", "1.1.0-beta.1"));
  assert(isUpdate("x .tgz", "1.1.0-beta.0", "1.1.0-beta.1"));
  assert(!isUpdate("x .whl", "1.0", "1.1rc1"));
  assert(!isUpdate("x .whl", "1.1", "1.0"));
  assert(isUpdate("x _all.deb", "1.0-1", "1.0-1+b1"));
  // With distributions a hyphen parts version and revision.
  assert(isUpdate("x .rpm", "1.0.0-1", "1.0.0-2"));
});
