import { assert, assertEquals, assertRejects } from "@std/assert";
import { LeadBranch } from "../../src/fill/lead_branch.ts";
import { HandFedBody, readRest, readSome, textOf } from "../support/body.ts";
import { settle } from "../support/gate.ts";

const FAR_BEHIND = 9 * 1024 * 1024;

/** No timer may be left: the patience with a client ends with its reason. */
const SANITIZED = { sanitizeOps: true, sanitizeResources: true };

function held() {
  const branch = new HandFedBody();
  const file = new HandFedBody();
  const follows: number[] = [];
  const follow = (offset: number) => {
    follows.push(offset);
    return Promise.resolve(file.stream);
  };
  const lead = new LeadBranch(branch.stream, { follow, buffers: null });
  return { branch, file, follows, lead, client: lead.stream.getReader() };
}

Deno.test("a client that keeps up costs no pause", SANITIZED, async () => {
  const { branch, lead, client, follows } = held();
  branch.give("hello");
  assertEquals(lead.keepUp(5), null);
  assertEquals(textOf(await readSome(client, 5)), "hello");
  branch.end();
  assertEquals(textOf(await readRest(client)), "");
  assertEquals(follows, []);
});

Deno.test(
  "after one pause the client is left to the file, at its own byte",
  SANITIZED,
  async () => {
    const { branch, file, lead, client, follows } = held();
    branch.give("hel");
    assertEquals(textOf(await readSome(client, 3)), "hel");
    await lead.keepUp(FAR_BEHIND);
    assert(!lead.isAttached && branch.cancelled);
    assertEquals([follows, lead.keepUp(2 * FAR_BEHIND)], [[3], null]);
    file.give("lo");
    file.end();
    assertEquals(textOf(await readRest(client)), "lo");
  },
);

Deno.test("a client that catches up in time keeps its branch", SANITIZED, async () => {
  const { branch, lead, client, follows } = held();
  const pause = lead.keepUp(FAR_BEHIND);
  assert(pause !== null);
  branch.give(new Uint8Array(FAR_BEHIND));
  await client.read();
  await pause;
  assertEquals([lead.isAttached, follows], [true, []]);
});

Deno.test("a client that leaves ends the pause", SANITIZED, async () => {
  const { branch, lead, client, follows } = held();
  const pause = lead.keepUp(FAR_BEHIND);
  await client.cancel();
  await pause;
  assertEquals([branch.cancelled, follows], [true, []]);
});

Deno.test("the last one who can have the bytes is never left to the file", SANITIZED, async () => {
  const { lead, follows } = held();
  const pause = lead.keepUp(FAR_BEHIND);
  lead.inherit();
  await pause;
  assertEquals([lead.keepUp(2 * FAR_BEHIND), lead.isAttached, follows], [null, true, []]);
});

Deno.test("a client that leaves while it follows leaves the file, too", SANITIZED, async () => {
  const { file, lead, client } = held();
  await lead.keepUp(FAR_BEHIND);
  await client.cancel();
  await settle();
  assert(file.cancelled);
});

Deno.test("a file that cannot be opened is the client's trouble alone", SANITIZED, async () => {
  const lead = new LeadBranch(new HandFedBody().stream, {
    follow: () => Promise.reject(new Error("gone")),
    buffers: null,
  });
  await lead.keepUp(FAR_BEHIND);
  await assertRejects(() => readRest(lead.stream.getReader()), Error, "gone");
});
