import { assertEquals } from "@std/assert";
import { isRegistryBase, registryTarget } from "../../../src/decide/registry/registry_target.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

function keyOf(path: string, mounts: readonly string[], query = ""): string {
  const target = { key: path + query, path, rawPath: path, query };
  const shared = registryTarget(target, mounts);
  assertEquals(shared.path, path);
  assertEquals(shared.rawPath, path);
  return shared.key;
}

Deno.test("a blob has one key in all repositories of a registry", () => {
  const cases: [path: string, mounts: string[], key: string][] = [
    [`/v2/library/hello/blobs/${DIGEST}`, [""], `/v2/-/blobs/${DIGEST}`],
    [`/v2/hello/blobs/${DIGEST}`, [""], `/v2/-/blobs/${DIGEST}`],
    [`/v2/a/blobs/${DIGEST}/blobs/${DIGEST}`, [""], `/v2/-/blobs/${DIGEST}`],
    // One registry each has its own.
    [`/v2/other/team/hello/blobs/${DIGEST}`, ["", "/v2/other"], `/v2/other/-/blobs/${DIGEST}`],
    [`/v2/otherhello/blobs/${DIGEST}`, ["", "/v2/other"], `/v2/-/blobs/${DIGEST}`],
    [`/hub/v2/hello/blobs/${DIGEST}`, ["/hub"], `/hub/v2/-/blobs/${DIGEST}`],
  ];
  for (const [path, mounts, key] of cases) assertEquals(keyOf(path, mounts), key);
});

Deno.test("everything else keeps its key", () => {
  const paths = [
    "/v2/",
    "/v2/hello/manifests/latest",
    `/v2/hello/manifests/${DIGEST}`,
    `/v2/hello/blobs/${DIGEST}0`,
    `/v2/hello/blobs/${DIGEST.toUpperCase()}`,
    `/v2/hello/blobs/sha512:${"ab".repeat(64)}`,
    `/v2/blobs/${DIGEST}`,
    "/v2/hello/blobs/uploads/",
    "/v2/hello/tags/list",
  ];
  for (const path of paths) assertEquals(keyOf(path, [""]), path);
  assertEquals(
    keyOf(`/v2/a/blobs/${DIGEST}`, ["/v2/other", "/hub"]),
    `/v2/a/blobs/${DIGEST}`,
  );
  assertEquals(keyOf(`/v2/a/blobs/${DIGEST}`, []), `/v2/a/blobs/${DIGEST}`);
});

Deno.test("containerd's name of the registry is no part of the key", () => {
  const path = "/v2/hello/manifests/latest";
  const cases: [query: string, left: string][] = [
    ["?ns=registry.example.org", ""],
    ["?n=5&ns=registry.example.org&last=x", "?n=5&last=x"],
    ["?n=5", "?n=5"],
    ["?dns=x", "?dns=x"],
    ["", ""],
  ];
  for (const [query, left] of cases) {
    assertEquals(keyOf(path, [""], query), path + left);
    assertEquals(registryTarget({ key: "", path, rawPath: path, query }, [""]).query, left);
    assertEquals(keyOf(path, ["/v2/other"], query), path + query);
  }
});

Deno.test("the base of the API, with and without its slash", () => {
  const paths = ["/v2/", "/v2", "/v2/x", "/v1/", "/"];
  assertEquals(paths.map(isRegistryBase), [true, true, false, false, false]);
});
