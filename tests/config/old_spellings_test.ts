import { assertEquals } from "@std/assert";
import { moveOldSpellings, writtenPath } from "../../src/config/old_spellings.ts";

Deno.test("old keys move to their present places", () => {
  const tree = {
    upstream: [
      { match: { match: "a", replace: "b" } },
      { path: { match: "c" } },
      { match: undefined },
    ],
    storage: { accel: { "enable-by-header": "X", "response-with-headers": ["Y"] } },
  };
  const { moves, problems } = moveOldSpellings(tree);
  assertEquals<unknown>(tree, {
    upstream: [
      { path: { match: "a", replace: "b" } },
      { path: { match: "c" } },
      { path: undefined },
    ],
    storage: { local: { accel: { "enable-by-header": "X", "respond-with-headers": ["Y"] } } },
  });
  assertEquals(problems, []);
  assertEquals(moves, [
    { from: ["upstream", 0, "match"], to: ["upstream", 0, "path"] },
    { from: ["upstream", 2, "match"], to: ["upstream", 2, "path"] },
    { from: ["storage", "accel"], to: ["storage", "local", "accel"] },
    {
      from: ["storage", "local", "accel", "response-with-headers"],
      to: ["storage", "local", "accel", "respond-with-headers"],
    },
  ]);
});

Deno.test("a path in the tree leads back to where the file has it", () => {
  const { moves } = moveOldSpellings({
    upstream: [{}, { match: { match: "a" } }],
    storage: { accel: { "response-with-headers": ["Y"] } },
  });
  const accel = ["storage", "local", "accel"];
  assertEquals(writtenPath(["upstream", 1, "path", "match"], moves), [
    "upstream",
    1,
    "match",
    "match",
  ]);
  assertEquals(writtenPath(["upstream", 0, "path"], moves), ["upstream", 0, "path"]);
  assertEquals(writtenPath([...accel, "enable-by-header"], moves), [
    "storage",
    "accel",
    "enable-by-header",
  ]);
  assertEquals(writtenPath([...accel, "respond-with-headers", 0], moves), [
    "storage",
    "accel",
    "response-with-headers",
    0,
  ]);
});

Deno.test("both spellings at once are a problem, and the present one stays", () => {
  const tree = {
    upstream: [{ match: { match: "old" }, path: { match: "new" } }],
    storage: {
      accel: { "enable-by-header": "Old" },
      local: {
        accel: { "response-with-headers": ["Old"], "respond-with-headers": ["New"] },
      },
    },
  };
  const { moves, problems } = moveOldSpellings(tree);
  assertEquals(moves, []);
  assertEquals<unknown>(tree, {
    upstream: [{ path: { match: "new" } }],
    storage: { local: { accel: { "respond-with-headers": ["New"] } } },
  });
  assertEquals(problems.map(({ path }) => path.join(".")), [
    "upstream.0.match",
    "storage.accel",
    "storage.local.accel.response-with-headers",
  ]);
});

Deno.test("what has not the shape of an old spelling is left to the schema", () => {
  const trees: unknown[] = [
    null,
    "text",
    { upstream: "x", storage: "y" },
    { upstream: [null, "x", { match: "/debian" }], storage: { local: "./data" } },
    { storage: { local: "./data", accel: {} } },
    { storage: { local: { accel: "X-Accel" } } },
  ];
  for (const tree of trees) {
    const before = structuredClone(tree);
    assertEquals(moveOldSpellings(tree), { moves: [], problems: [] });
    assertEquals(tree, before);
  }
});
