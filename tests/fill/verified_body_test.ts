import { assertEquals, assertRejects } from "@std/assert";
import type { Digest } from "../../src/decide/digests/digest.ts";
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

/** A body that is to be a text. */
function verified(source: Body, text: string, ...others: readonly Digest[]): VerifiedBody {
  const digests = [...others, { algorithm: "sha256", value: sha256(bytesOf(text)) } as const];
  const expected = { digests, sizes: [], by: "a list" };
  return new VerifiedBody(source, expected, "/a", () => ({ kind: "digest", detail: "not a" }));
}

Deno.test("a body that is what is listed comes as it is", async () => {
  for (const pieces of [["a", "b", "c"], ["abc"], ["ab", "c"]]) {
    const got: string[] = [];
    await readAll(verified(new Pieces(...pieces), "abc"), got);
    assertEquals(got, pieces);
  }
  const got: string[] = [];
  await readAll(verified(new Pieces(), ""), got);
  assertEquals(got, []);
});

Deno.test("of another body the last piece is never handed out", async () => {
  for (const pieces of [["a", "b", "x"], ["abx"], ["x", "bc"], ["abc", "d"], ["ab"]]) {
    const got: string[] = [];
    const body = verified(new Pieces(...pieces), "abc");
    await assertRejects(() => readAll(body, got), UpstreamError, "digest");
    assertEquals(got, pieces.slice(0, -1));
  }
});

Deno.test("to cancel it is to cancel what it reads", () => {
  const pieces = new Pieces("a");
  verified(pieces, "a").cancel();
  assertEquals(pieces.isCancelled, true);
});

Deno.test("any of several digests will do, by whatever algorithm", async () => {
  const others = [
    { algorithm: "md5", value: "0".repeat(32) },
    { algorithm: "sha512", value: "0".repeat(128) },
  ] as const;
  const got: string[] = [];
  await readAll(verified(new Pieces("a", "b"), "ab", ...others), got);
  assertEquals(got, ["a", "b"]);
  const wrong = verified(new Pieces("a", "c"), "ab", ...others);
  await assertRejects(() => readAll(wrong, []), UpstreamError, "digest");
  // Who asks again gets the same again.
  await assertRejects(() => wrong.read(), UpstreamError, "digest");
});
