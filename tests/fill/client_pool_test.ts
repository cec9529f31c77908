import { assert, assertEquals, assertThrows } from "@std/assert";
import { ClientPool } from "../../src/fill/client_pool.ts";
import { upstream } from "../support/facts.ts";
import { Gate, settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RawOrigin } from "../support/origin.ts";

const OPTIONS = {
  userAgent: "test",
  via: "1.1 test",
  headTimeoutMs: 1000,
  clock: new ManualClock(),
};

/** A mirror that keeps its connections open, and a pool that has asked it once. */
async function asked(): Promise<
  AsyncDisposable & { pool: ClientPool; closed: Promise<void>; isOpen: () => boolean }
> {
  const closed = new Gate();
  let isOpen = true;
  const origin = new RawOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 204 No Content\r\n\r\n");
    await exchange.closedByPeer();
    isOpen = false;
    closed.open();
  });
  const pool = new ClientPool([upstream({ server: origin.url })], OPTIONS);
  const question = { method: "GET", url: origin.url, headers: [] };
  const { status } = await pool.of("mirror").ask(question, new AbortController());
  assertEquals(status, 204);
  return {
    pool,
    closed: closed.opened,
    isOpen: () => isOpen,
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  };
}

Deno.test("connections go when the pool is retired and nobody uses it", async () => {
  await using held = await asked();
  held.pool.retire();
  await held.closed;
  // A second time means nothing.
  held.pool.retire();
});

Deno.test("connections stay for as long as somebody uses the retired pool", async () => {
  await using held = await asked();
  const uses = [held.pool.use(), held.pool.use()];
  held.pool.retire();
  uses[0]?.[Symbol.dispose]();
  // The same one again counts once.
  uses[0]?.[Symbol.dispose]();
  await settle();
  assert(held.isOpen());
  uses[1]?.[Symbol.dispose]();
  await held.closed;
});

Deno.test("connections stay while the pool is in use by nobody but not retired", async () => {
  await using held = await asked();
  held.pool.use()[Symbol.dispose]();
  await settle();
  assert(held.isOpen());
  held.pool.retire();
  await held.closed;
});

Deno.test("an upstream of another config is not known", () => {
  const pool = new ClientPool([upstream()], OPTIONS);
  assertThrows(() => pool.of("other"), Error, 'Cannot ask upstream "other"');
  pool.retire();
});
