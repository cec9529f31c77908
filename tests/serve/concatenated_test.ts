import { assertEquals } from "@std/assert";
import { concatenated } from "../../src/server/body_stream.ts";

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("parts come one after the other, as streams and as bytes", async () => {
  const body = concatenated([
    () => bytes("a"),
    () => Promise.resolve(ReadableStream.from([bytes("b"), bytes("c")])),
    () => Promise.resolve(bytes("d")),
  ]);
  assertEquals(await new Response(body).text(), "abcd");
});

Deno.test("a part that is being opened when the client leaves is closed again", async () => {
  const opening = Promise.withResolvers<ReadableStream<Uint8Array>>();
  const cancelled = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let opened = 0;
  const opener = (): Promise<ReadableStream<Uint8Array>> => {
    opened++;
    asked.resolve();
    return opening.promise;
  };
  const reader = concatenated([opener, opener]).getReader();
  const reading = reader.read();
  await asked.promise;
  await reader.cancel();
  opening.resolve(new ReadableStream({ cancel: () => cancelled.resolve() }));
  await cancelled.promise;
  assertEquals((await reading).done, true);
  assertEquals(opened, 1, "no further part is opened");
});
