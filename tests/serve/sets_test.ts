import { assert, assertEquals } from "@std/assert";
import { byHash, FileMirror, type SuiteState, suiteState } from "../support/apt_suite.ts";
import { bytesOf, HandFedBody, sha256 } from "../support/body.ts";
import { NOON } from "../support/facts.ts";
import { settle } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { TestProxy } from "../support/test_proxy.ts";

const SUITE = "/debian/dists/sid/";
const IN_RELEASE = `${SUITE}InRelease`;
const PACKAGES = `${SUITE}main/Packages`;
const SOURCES = `${SUITE}main/Sources`;
const HOUR = 3_600_000;

/** Contents of the two versions have the same length, so that nothing but their bytes differs. */
function version(number: number, lastModified: number | null = NOON + number * HOUR): SuiteState {
  return suiteState(
    SUITE,
    { "main/Packages": `packages ${number}`, "main/Sources": `sources ${number}` },
    lastModified,
  );
}

interface World extends AsyncDisposable {
  readonly a: FileMirror;
  readonly b: FileMirror;
  readonly proxy: TestProxy;
  readonly clock: ManualClock;
}

/** Two mirrors, the first of which is asked first, and a proxy that has the anchor from it. */
async function world(
  states: { a: SuiteState[]; b: SuiteState[] },
  cache: Record<string, unknown> = {},
): Promise<World> {
  const a = new FileMirror(...states.a);
  const b = new FileMirror(...states.b);
  const clock = new ManualClock(NOON + 24 * HOUR);
  const upstreams = [
    { server: a.url, name: "a", "priority-groups": [{ match: "^/", priority: 1 }] },
    { server: b.url, name: "b" },
  ];
  const proxy = await TestProxy.start({ upstreams, clock, config: { cache } });
  return {
    a,
    b,
    clock,
    proxy,
    async [Symbol.asyncDispose](): Promise<void> {
      await proxy[Symbol.asyncDispose]();
      await a[Symbol.asyncDispose]();
      await b[Symbol.asyncDispose]();
    },
  };
}

/** What came: the text, or the status; `cut` for a transfer that broke. */
async function ask(proxy: TestProxy, path: string, init?: RequestInit): Promise<string> {
  try {
    const { response, text } = await proxy.get(path, init);
    await proxy.settled();
    return response.status === 200 ? text : String(response.status);
  } catch {
    return "cut";
  }
}

function text(state: SuiteState, path: string): string {
  return new TextDecoder().decode(state.get(path)?.bytes);
}

/** Paths that a mirror was asked for since the last time. */
function asked(mirror: FileMirror): string[] {
  return mirror.origin.seen.splice(0).map(({ target }) => target);
}

Deno.test("a member comes from the mirror that gave the anchor, and from no other", async () => {
  const own = suiteState(SUITE, { "main/Packages": "packages 1" }, NOON);
  await using it = await world({ a: [], b: [own] });
  assertEquals(await ask(it.proxy, IN_RELEASE), text(own, IN_RELEASE));
  // From now on the first mirror would win every race.
  it.a.put(version(2));
  asked(it.a);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
  assertEquals(asked(it.a), []);
});

Deno.test("outside of sets, and without any, all mirrors are asked as ever", async () => {
  const [one, two] = [version(1), version(2)];
  const pool = new Map([["/debian/pool/x", { bytes: bytesOf("x"), lastModified: null }]]);
  {
    await using it = await world({ a: [], b: [one, pool] });
    await ask(it.proxy, IN_RELEASE);
    asked(it.a);
    assertEquals(await ask(it.proxy, "/debian/pool/x"), "x");
    assertEquals(asked(it.a), ["/debian/pool/x"]);
  }
  await using it = await world({ a: [], b: [one] }, { sets: [] });
  await ask(it.proxy, IN_RELEASE);
  it.a.put(two);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
});

Deno.test("a mirror in the middle of an update is passed over for one that fits", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [one] });
  assertEquals(await ask(it.proxy, IN_RELEASE), text(one, IN_RELEASE));
  it.a.put(new Map([...two].filter(([path]) => path !== IN_RELEASE)));
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
  // The set has moved: the anchor first, then its member, and all the others from there.
  assertEquals(asked(it.b), [IN_RELEASE, PACKAGES]);
  asked(it.a);
  assertEquals(await ask(it.proxy, SOURCES), "sources 1");
  assertEquals([asked(it.a), asked(it.b)], [[], [SOURCES]]);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
});

Deno.test("when no mirror has what fits, the client gets an error, and then the new state", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [] });
  assertEquals(await ask(it.proxy, IN_RELEASE), text(one, IN_RELEASE));
  it.a.put(two);
  assertEquals(await ask(it.proxy, PACKAGES), "503");
  assertEquals(await ask(it.proxy, IN_RELEASE), text(two, IN_RELEASE));
  assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
});

Deno.test("a half-updated mirror without any other is an error until it is done", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [two], b: [] });
  it.a.put(new Map([...one].filter(([path]) => path === PACKAGES)));
  await ask(it.proxy, IN_RELEASE);
  assertEquals(await ask(it.proxy, PACKAGES), "502");
  assertEquals(await ask(it.proxy, SOURCES), "sources 2");
  it.a.put(two);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
});

Deno.test("a stored member that the new anchor does not list is fetched anew", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [] });
  await ask(it.proxy, IN_RELEASE);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
  it.a.put(two);
  // The member is older than its timeout as well, and still what the anchor lists.
  it.clock.advance(HOUR / 2);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
  it.clock.advance(HOUR);
  assertEquals(await ask(it.proxy, IN_RELEASE), text(two, IN_RELEASE));
  assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
});

Deno.test("the set moves as a whole when its mirror is down", async () => {
  const [one, two] = [version(1), version(2)];
  for (const trouble of [500, 404]) {
    await using it = await world({ a: [one], b: [two] });
    await ask(it.proxy, IN_RELEASE);
    it.a.trouble = trouble;
    // This client has read what nobody has any more; another one may have what there is.
    assertEquals(await ask(it.proxy, PACKAGES), "503");
    assertEquals(asked(it.b), [IN_RELEASE]);
    assertEquals(await ask(it.proxy, IN_RELEASE), text(two, IN_RELEASE));
    assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
    assertEquals(await ask(it.proxy, SOURCES), "sources 2");
  }
});

Deno.test("clients behind a front server are told apart", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [] });
  const as = (client: string) => ({ headers: { "x-forwarded-for": client } });
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.1")), text(one, IN_RELEASE));
  it.a.put(two);
  it.clock.advance(HOUR);
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.2")), text(two, IN_RELEASE));
  assertEquals(await ask(it.proxy, PACKAGES, as("10.0.0.2")), "packages 2");
  // It has read the first one, but so long ago that it does not count any more.
  assertEquals(await ask(it.proxy, PACKAGES, as("10.0.0.1")), "packages 2");
  it.a.put(version(3));
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.1")), text(two, IN_RELEASE));
  it.clock.advance(HOUR);
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.1")), text(version(3), IN_RELEASE));
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.2")), text(version(3), IN_RELEASE));
  it.a.put(version(4));
  assertEquals(await ask(it.proxy, SOURCES, as("10.0.0.2")), "503");
  assertEquals(await ask(it.proxy, IN_RELEASE, as("10.0.0.2")), text(version(4), IN_RELEASE));
  assertEquals(await ask(it.proxy, SOURCES, as("10.0.0.2")), "sources 4");
  assertEquals(await ask(it.proxy, SOURCES, as("10.0.0.1")), "503");
});

Deno.test("an anchor that was put there by hand pins nothing", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [two] });
  await Deno.mkdir(it.proxy.file(SUITE.slice(1)), { recursive: true });
  await Deno.writeTextFile(it.proxy.file(IN_RELEASE.slice(1)), text(two, IN_RELEASE));
  assertEquals(await ask(it.proxy, IN_RELEASE), text(two, IN_RELEASE));
  assertEquals(await ask(it.proxy, PACKAGES), "packages 1");
});

Deno.test("a set does not move to a mirror that lags behind", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [two], b: [one] });
  await ask(it.proxy, IN_RELEASE);
  it.a.trouble = 500;
  assertEquals(await ask(it.proxy, PACKAGES), "502");
  assertEquals(asked(it.b), [IN_RELEASE]);
  assertEquals(await ask(it.proxy, IN_RELEASE), text(two, IN_RELEASE));
});

Deno.test("a client that has read nothing is given what fits the anchor after the move", async () => {
  const [one, two] = [version(1), version(2)];
  await using it = await world({ a: [one], b: [two] });
  await ask(it.proxy, IN_RELEASE);
  it.a.trouble = 500;
  it.clock.advance(15 * 60_000);
  assertEquals(await ask(it.proxy, PACKAGES), "packages 2");
  assertEquals(asked(it.b), [IN_RELEASE, PACKAGES]);
});

Deno.test("a long member is held back for a while only, and is cut when it proves to be wrong", async () => {
  const [one] = [version(1)];
  await using it = await world({ a: [one], b: [] });
  await ask(it.proxy, IN_RELEASE);
  for (const [end, whole] of [["1", "packages 1"], ["9", "cut"]] as const) {
    const body = new HandFedBody();
    const { answer } = it.a.origin;
    it.a.origin.answer = (request, raw) =>
      request.target === PACKAGES
        ? new Response(body.stream, { headers: { "content-length": "10" } })
        : answer(request, raw);
    await Deno.remove(it.proxy.file(PACKAGES.slice(1))).catch(() => {});
    const before = it.a.origin.asked.count;
    const asking = it.proxy.fetch(PACKAGES);
    await it.a.origin.asked.reaches(before + 1);
    body.give("packa");
    body.give("ges ");
    for (let answered = false; !answered;) {
      it.clock.advance(1_000);
      answered = await Promise.race([asking.then(() => true), settle().then(() => false)]);
    }
    const response = await asking;
    assertEquals(response.status, 200);
    body.give(end);
    body.end();
    assertEquals(await response.text().catch(() => "cut"), whole);
    await it.proxy.settled();
    assertEquals(it.proxy.storedKeys().includes(PACKAGES), whole !== "cut");
    it.a.origin.answer = answer;
  }
});

Deno.test("a file named by its hash comes from wherever it is, and is checked", async () => {
  const [one, two] = [version(1), version(2)];
  const path = byHash(PACKAGES, sha256(bytesOf("packages 1")));
  const right = new Map([[path, { bytes: bytesOf("packages 1"), lastModified: null }]]);
  const wrong = new Map([[path, { bytes: bytesOf("packages 9"), lastModified: null }]]);
  await using it = await world({ a: [two, wrong], b: [one, right] });
  await ask(it.proxy, IN_RELEASE);
  assertEquals(await ask(it.proxy, path), "packages 1");
  assert(!asked(it.b).includes(IN_RELEASE));
});

Deno.test("sets without lists: the anchor of the same mirror is asked for before a member is given", async () => {
  const state = (number: number): SuiteState =>
    new Map(["core.db", "core.db.sig"].map((name) => [
      `/arch/core/${name}`,
      { bytes: bytesOf(`${name} ${number}`), lastModified: NOON + number * HOUR },
    ]));
  await using it = await world({ a: [state(1)], b: [state(1)] });
  assertEquals(await ask(it.proxy, "/arch/core/core.db"), "core.db 1");
  assertEquals(await ask(it.proxy, "/arch/core/core.db.sig"), "core.db.sig 1");
  assertEquals(asked(it.b), []);
  it.a.put(state(2));
  it.b.put(state(2));
  it.clock.advance(2 * HOUR);
  // The copy is from before the anchor changed.
  assertEquals(await ask(it.proxy, "/arch/core/core.db"), "core.db 2");
  assertEquals(await ask(it.proxy, "/arch/core/core.db.sig"), "core.db.sig 2");
  // The mirror goes on while the anchor's copy is fresh, and the member is not stored.
  it.a.put(state(3));
  it.clock.advance(HOUR / 2);
  await Deno.remove(it.proxy.file("arch/core/core.db.sig"));
  assertEquals(await ask(it.proxy, "/arch/core/core.db"), "core.db 2");
  assertEquals(await ask(it.proxy, "/arch/core/core.db.sig"), "503");
  assertEquals(await ask(it.proxy, "/arch/core/core.db"), "core.db 3");
  assertEquals(await ask(it.proxy, "/arch/core/core.db.sig"), "core.db.sig 3");
});
