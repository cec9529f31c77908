import { assertEquals } from "@std/assert";
import { NOON } from "../support/facts.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { Origin } from "../support/origin.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TestProxy } from "../support/test_proxy.ts";

const METADATA = "/maven/org/a/b/maven-metadata.xml";
const CHECKSUM = `${METADATA}.sha1`;
const JAR = "/maven/org/a/b/1.0/b-1.0.jar";
const MINUTE = 60_000;

/** A repository that knows of no conditions: it sends everything anew, without date or ETag. */
class Repository implements AsyncDisposable {
  state = 1;
  isDown = false;
  /** Each answer takes a second of it. */
  clock: ManualClock | null = null;
  readonly origin = new Origin(({ target }) => {
    if (this.isDown) return new Response("down", { status: 503 });
    this.clock?.advance(1_000);
    const suffix = target.split(".").pop();
    return new Response(suffix === "jar" ? suffix : `${suffix} ${this.state}`);
  });

  asked(): string[] {
    return this.origin.seen.splice(0).map(({ target }) => target.split("/").pop() ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.origin[Symbol.asyncDispose]();
  }
}

interface World extends AsyncDisposable {
  readonly proxy: TestProxy;
  readonly a: Repository;
  readonly b: Repository;
  readonly clock: ManualClock;
  /** What comes with a status of 200, else the status. */
  get(path: string): Promise<string>;
}

async function world(dataDir: string, a: Repository, b: Repository): Promise<World> {
  const clock = a.clock = b.clock = new ManualClock(NOON);
  const entry = { preset: "maven", at: "/maven" };
  const upstreams = [
    {
      server: a.origin.url,
      name: "a",
      "priority-groups": [{ match: "^/", priority: 1 }],
      ...entry,
    },
    { server: b.origin.url, name: "b", ...entry },
  ];
  const proxy = await TestProxy.start({ upstreams, clock, dataDir });
  return {
    ...{ proxy, a, b, clock },
    async get(path): Promise<string> {
      const { response, text } = await proxy.get(path);
      await proxy.settled();
      return response.status === 200 ? text : String(response.status);
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

Deno.test("a checksum comes from the mirror that gave what it describes, and moves with it", async () => {
  await using folder = await tempDir();
  await using a = new Repository();
  await using b = new Repository();
  await using it = await world(folder.path, a, b);
  a.isDown = true;
  assertEquals(await it.get(METADATA), "xml 1");
  // This one has had an update since, and is asked first.
  Object.assign(a, { isDown: false, state: 2 });
  assertEquals(await it.get(CHECKSUM), "sha1 1");
  it.clock.advance(6 * MINUTE);
  assertEquals(await it.get(METADATA), "xml 2");
  assertEquals(await it.get(CHECKSUM), "sha1 2");
});

Deno.test("a release is asked for once, and its checksum too", async () => {
  await using folder = await tempDir();
  await using a = new Repository();
  await using b = new Repository();
  await using it = await world(folder.path, a, b);
  for (let day = 0; day < 3; day++) {
    assertEquals([await it.get(JAR), await it.get(`${JAR}.sha1`)], ["jar", "sha1 1"]);
    it.clock.advance(24 * 60 * MINUTE);
  }
  assertEquals(a.asked(), ["b-1.0.jar", "b-1.0.jar.sha1"]);
});

Deno.test("what a mirror without dates sends anew stays one state, also for the next process", async () => {
  await using folder = await tempDir();
  await using a = new Repository();
  await using b = new Repository();
  {
    await using it = await world(folder.path, a, b);
    assertEquals([await it.get(METADATA), await it.get(CHECKSUM)], ["xml 1", "sha1 1"]);
    it.clock.advance(6 * MINUTE);
    assertEquals([await it.get(METADATA), await it.get(CHECKSUM)], ["xml 1", "sha1 1"]);
  }
  a.isDown = b.isDown = true;
  a.asked();
  await using it = await world(folder.path, a, b);
  it.clock.advance(7 * MINUTE);
  assertEquals([await it.get(METADATA), await it.get(CHECKSUM)], ["xml 1", "sha1 1"]);
  assertEquals(a.asked(), []);
});
