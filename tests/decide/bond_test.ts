import { assertEquals } from "@std/assert";
import type { Admission } from "../../src/decide/admission.ts";
import { admitBonded, type Bond, bondedGroups } from "../../src/decide/bond.ts";
import { bodyHead, upstream } from "../support/facts.ts";

const ONLY: Bond = { from: { kind: "only", upstream: "b" }, listed: null };
const EXCEPT: Bond = { from: { kind: "except", upstreams: ["b"] }, listed: null };
const LISTED: Bond = { ...ONLY, listed: { sha256: "00", size: 5 } };

Deno.test("a bond leaves those upstreams that it allows, and no empty group", () => {
  const candidate = (name: string) => ({ upstream: upstream({ name }), url: `http://${name}/` });
  const groups = [["a", "b"], ["b"], ["c"]].map((names) => names.map(candidate));
  const allowed = (bond: Bond | null): string[][] =>
    bondedGroups(groups, bond).map((group) => group.map((it) => it.upstream.name));
  assertEquals(allowed(null), [["a", "b"], ["b"], ["c"]]);
  assertEquals(allowed(ONLY), [["b"], ["b"]]);
  assertEquals(allowed(EXCEPT), [["a"], ["c"]]);
  assertEquals(allowed({ ...ONLY, from: { kind: "only", upstream: "x" } }), []);
});

Deno.test("a bond refuses another length than the listed one, and an older place to move to", () => {
  const store = (size: number | null): Admission => ({ kind: "store", head: bodyHead({ size }) });
  const older: Admission = { kind: "not-modified", reason: "older-than-stored" };
  const same: Admission = { kind: "not-modified", reason: "304" };
  const examples: [bond: Bond | null, admission: Admission, kind: Admission["kind"]][] = [
    [null, store(6), "store"],
    [LISTED, store(6), "refuse"],
    [LISTED, store(5), "store"],
    [LISTED, store(null), "store"],
    [{ ...LISTED, listed: { sha256: "00", size: null } }, store(6), "store"],
    [LISTED, { ...store(6), kind: "pass", reason: "status" } as Admission, "refuse"],
    [ONLY, older, "not-modified"],
    [EXCEPT, older, "refuse"],
    [ONLY, same, "not-modified"],
    [EXCEPT, { kind: "refuse", reason: { kind: "html" } }, "refuse"],
  ];
  for (const [bond, admission, kind] of examples) {
    assertEquals(admitBonded(admission, bond).kind, kind, JSON.stringify([bond, admission]));
  }
});
