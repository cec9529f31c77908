import { assertEquals, assertRejects } from "@std/assert";
import { UpstreamError } from "../../src/errors.ts";
import type { Body } from "../../src/fill/resumable_body.ts";
import { VerifiedBody } from "../../src/fill/verified_body.ts";
import { bytesOf, sha256, textOf } from "../support/body.ts";

class Pieces implements Body {
  readonly #pieces: string[];
  isCancelled = false;

  constructor(...pieces: string[]) {
    this.#pieces = pieces;
  }

  read(): Promise<Uint8Array | null> {
    const piece = this.#pieces.shift();
    return Promise.resolve(piece === undefined ? null : bytesOf(piece));
  }

  cancel(): void {
    this.isCancelled = true;
  }
}

/** All that is handed out, piece by piece, up to the end or a failure. */
async function readAll(body: Body, into: string[]): Promise<void> {
  for (;;) {
    const chunk = await body.read();
    if (chunk === null) return;
    into.push(textOf(chunk));
  }
}

function listed(text: string) {
  return { sha256: sha256(bytesOf(text)), size: null };
}

Deno.test("a body that is what is listed comes as it is", async () => {
  for (const pieces of [["a", "b", "c"], ["abc"], ["ab", "c"]]) {
    const got: string[] = [];
    await readAll(new VerifiedBody(new Pieces(...pieces), listed("abc")), got);
    assertEquals(got, pieces);
  }
  const got: string[] = [];
  await readAll(new VerifiedBody(new Pieces(), listed("")), got);
  assertEquals(got, []);
});

Deno.test("of another body the last piece is never handed out", async () => {
  for (const pieces of [["a", "b", "x"], ["abx"], ["x", "bc"], ["abc", "d"], ["ab"]]) {
    const got: string[] = [];
    const body = new VerifiedBody(new Pieces(...pieces), listed("abc"));
    await assertRejects(() => readAll(body, got), UpstreamError, "differs");
    assertEquals(got, pieces.slice(0, -1));
  }
});

Deno.test("to cancel it is to cancel what it reads", () => {
  const pieces = new Pieces("a");
  new VerifiedBody(pieces, listed("a")).cancel();
  assertEquals(pieces.isCancelled, true);
});
