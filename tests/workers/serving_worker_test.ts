import { assertEquals } from "@std/assert";
import type { FromServing, ToServing } from "../../src/server/workers/messages.ts";
import { ServingWorker } from "../../src/server/workers/serving_worker.ts";
import { identify } from "../../src/storage/file_identity.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RawClient, rawRequest } from "../support/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";
import { textOf } from "../support/body.ts";

/** Far more than the buffers of a connection hold. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** A serving worker in this isolate, and what it says to the one that fills. */
class Started implements AsyncDisposable {
  readonly said: FromServing[] = [];
  readonly clock = new ManualClock();
  readonly worker: ServingWorker;
  answer: (asked: Extract<FromServing, { kind: "request" }>) => ToServing | null = () => null;

  constructor() {
    this.worker = new ServingWorker({ post: (message) => this.#hear(message) }, this.clock);
    this.worker.take({
      kind: "start",
      place: { hostname: "127.0.0.1", port: 0, tls: null },
      settings: {
        maxBytes: 0,
        honoursDirectives: false,
        accelHeader: null,
        arrivals: { publicUrl: null, trustedProxies: [], isTls: false },
      },
      generations: new SharedArrayBuffer(4 * (64 * 1024 + 1)),
      logsRequests: false,
    });
  }

  get port(): number {
    const heard = this.said.find((it) => it.kind === "listening");
    return heard?.kind === "listening" ? heard.port : 0;
  }

  /** Resolves with the first word of a kind. */
  async word<K extends FromServing["kind"]>(kind: K): Promise<Extract<FromServing, { kind: K }>> {
    for (;;) {
      const found = this.said.find((it) => it.kind === kind);
      if (found !== undefined) return found as Extract<FromServing, { kind: K }>;
      await settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.worker.take({ kind: "cut" });
    this.worker.take({ kind: "drain" });
    await this.word("drained");
  }

  #hear(message: FromServing): void {
    this.said.push(message);
    if (message.kind !== "request") return;
    const answer = this.answer(message);
    if (answer !== null) queueMicrotask(() => this.worker.take(answer));
  }
}

/** An answer from a file. */
function fileAnswer(id: number, path: string, inode?: number): ToServing {
  const identity = identify(Deno.statSync(path));
  if (identity === null) throw new Error("Not a file");
  const meant = { ...identity, inode: inode ?? identity.inode };
  const body = { kind: "file", path, identity: meant, start: 0, end: identity.size } as const;
  const fields = [["content-length", String(identity.size)]] as const;
  return { kind: "answer", id, status: 200, fields, body, kept: null };
}

Deno.test("a client that takes nothing is cut after ten minutes, and the file given back", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/x`;
  await Deno.writeFile(path, new Uint8Array(LARGE_BYTES));
  await using started = new Started();
  started.answer = ({ id }) => fileAnswer(id, path);
  using client = await RawClient.connect(started.port);
  await client.send("GET /x HTTP/1.1", "Host: x");
  await client.receive(1);
  // It has taken what its buffers hold, and waits.
  let pending = -1;
  while (pending !== started.clock.pending) {
    pending = started.clock.pending;
    await settle();
  }
  for (let minute = 0; minute < 12; minute++) {
    started.clock.advance(60_000);
    await settle();
  }
  assertEquals((await started.word("end")).brokenBy, "the client takes nothing");
});

Deno.test("a file that is another one by now is asked for again, piece by piece", async () => {
  await using folder = await tempDir();
  const path = `${folder.path}/x`;
  await Deno.writeTextFile(path, "other");
  await using started = new Started();
  started.answer = ({ id }) => fileAnswer(id, path, 1);
  const answering = rawRequest(started.port, "GET /x HTTP/1.1", "Host: x");
  const { id, from } = await started.word("relay");
  assertEquals(from, null);
  started.worker.take({ kind: "piece", id, bytes: new TextEncoder().encode("mea") });
  started.worker.take({ kind: "piece", id, bytes: new TextEncoder().encode("nt") });
  started.worker.take({ kind: "last-piece", id, failure: null });
  const { status, body } = await answering;
  assertEquals([status, textOf(body)], [200, "meant"]);
  const { bytes, brokenBy } = await started.word("end");
  assertEquals([bytes, brokenBy], [5, null]);
});

Deno.test("a client that leaves before its answer is there is told of", async () => {
  await using started = new Started();
  {
    using client = await RawClient.connect(started.port);
    await client.send("GET /x HTTP/1.1", "Host: x");
    await started.word("request");
  }
  const { id } = await started.word("left");
  started.worker.take({
    kind: "answer",
    id,
    status: 200,
    fields: [],
    body: { kind: "bytes", bytes: new Uint8Array(5) },
    kept: null,
  });
  const end = await started.word("end");
  assertEquals(end.brokenBy, "the client left");
});
