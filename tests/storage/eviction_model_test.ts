import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { StorageError } from "../../src/errors.ts";
import type { LocalSystem } from "../../src/storage/local_system.ts";
import { BLOCK_BYTES, diskBytes } from "../../src/storage/space.ts";
import type { OpenEntry } from "../../src/storage/storage.ts";
import { diskUsage } from "./disk_usage.ts";
import { FACTS, HeldClock, TemporaryStorage } from "./support.ts";

const MAX_BYTES = 20 * BLOCK_BYTES;
const KEYS = ["/a", "/b", "/c/d", "/c/e", "/f?g", "/h/", "/i", "/j", "/k", "/l"];

/** What a naive cache with a perfect memory does. */
class Model {
  /** In the order of their coming. */
  entries: { key: string; size: number; lastUsed: number; storedAt: number }[] = [];
  maxBytes = MAX_BYTES;
  readonly pinned = new Map<string, number>();

  get bytes(): number {
    return this.entries.reduce((sum, { size }) => sum + diskBytes(size), 0);
  }

  get keys(): string[] {
    return this.entries.map(({ key }) => key).sort();
  }

  /** Whether it was stored. */
  store(key: string, size: number, at: number): boolean {
    const bytes = diskBytes(size);
    const mayGo = (entry: { key: string }): boolean =>
      entry.key !== key && !this.pinned.has(entry.key);
    const pinned = this.entries.filter((entry) => !mayGo(entry));
    const least = pinned.reduce((sum, entry) => sum + diskBytes(entry.size), 0);
    if (bytes > 0 && least + bytes > this.maxBytes) return false;
    while (bytes > 0 && this.bytes + bytes > this.maxBytes) {
      const inOrder = this.entries.filter(mayGo).sort((a, b) =>
        a.lastUsed - b.lastUsed || a.storedAt - b.storedAt
      );
      this.entries.splice(this.entries.findIndex(({ key }) => key === inOrder[0]?.key), 1);
    }
    const old = this.entries.find((entry) => entry.key === key);
    const fresh = { key, size, storedAt: at, lastUsed: Math.max(old?.lastUsed ?? 0, at) };
    if (old === undefined) this.entries.push(fresh);
    else Object.assign(old, fresh);
    return true;
  }
}

type Step =
  | { kind: "store"; key: string; size: number; known: boolean }
  | { kind: "use" | "open" | "close" | "remove"; key: string }
  | { kind: "limit"; blocks: number }
  | { kind: "restart" };

const key = fc.constantFrom(...KEYS);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("store" as const),
      key,
      size: fc.integer({ min: 0, max: 8 * BLOCK_BYTES }),
      known: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("use", "open", "close"), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("limit" as const),
      blocks: fc.integer({ min: 10, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
) as fc.Arbitrary<Step>;

/** A cache and its model, and the disk between two steps of the cache. */
class Subject implements AsyncDisposable {
  readonly model = new Model();
  readonly opened = new Map<string, OpenEntry>();
  /** The limit, or what was used when it was lowered. */
  #ceiling = MAX_BYTES;

  private constructor(readonly local: TemporaryStorage, readonly clock: HeldClock) {}

  static async make(): Promise<Subject> {
    const clock = new HeldClock();
    let subject: Subject | null = null;
    const check = (): void => subject?.checkDisk();
    const system: Partial<LocalSystem> = {
      clock,
      async openFile(path, options) {
        const file = await Deno.open(path, options);
        // Flushing takes most of the time, and nothing here depends on it.
        file.sync = () => Promise.resolve();
        return file;
      },
      rename(from, to) {
        check();
        Deno.renameSync(from, to);
        check();
      },
      async remove(path) {
        check();
        await Deno.remove(path);
      },
    };
    const local = await TemporaryStorage.open(system, { maxBytes: MAX_BYTES });
    return subject = new Subject(local, clock);
  }

  checkDisk(): void {
    const bytes = diskUsage(this.local.data);
    assert(bytes <= this.#ceiling, `${bytes} of ${this.#ceiling} bytes are used`);
  }

  async run(step: Step): Promise<void> {
    const { model, local: { storage } } = this;
    switch (step.kind) {
      case "store":
        return await this.#store(step);
      case "use":
        storage.used(step.key, this.clock.now());
        for (const entry of model.entries) {
          if (entry.key === step.key) entry.lastUsed = this.clock.now();
        }
        return;
      case "open": {
        const entry = storage.find(step.key);
        if (entry === null || this.opened.has(step.key)) return;
        const open = await storage.open(entry);
        assert(open !== null);
        this.opened.set(step.key, open);
        model.pinned.set(step.key, 1);
        return;
      }
      case "close":
        this.opened.get(step.key)?.[Symbol.dispose]();
        this.opened.delete(step.key);
        model.pinned.delete(step.key);
        return;
      case "remove":
        await storage.remove(step.key);
        model.entries = model.entries.filter(({ key }) => key !== step.key);
        return;
      case "limit":
        model.maxBytes = step.blocks * BLOCK_BYTES;
        storage.setLimits({ ...this.local.options.limits, maxBytes: model.maxBytes });
        return;
      case "restart":
        this.closeAll();
        await this.local.restart();
        this.local.storage.setLimits({ ...this.local.options.limits, maxBytes: model.maxBytes });
        return;
    }
  }

  async #store({ key, size, known }: Extract<Step, { kind: "store" }>): Promise<void> {
    const { storage } = this.local;
    const at = this.clock.now();
    const expected = this.model.store(key, size, at);
    let stored = true;
    try {
      await using partial = await storage.create(key, known ? size : null);
      await partial.write(new Uint8Array(size));
      this.checkDisk();
      await partial.commit({ ...FACTS, storedAt: at });
    } catch (error) {
      assert(error instanceof StorageError && error.code === "storage-full", String(error));
      stored = false;
    }
    assertEquals(stored, expected, `store ${key}`);
  }

  closeAll(): void {
    for (const open of this.opened.values()) open[Symbol.dispose]();
    this.opened.clear();
    this.model.pinned.clear();
  }

  /** The cache holds what the model holds, on the disk too, and counts it. */
  async compare(): Promise<void> {
    const { storage, data } = this.local;
    // A store waits for the room that it needs: of what it has evicted, the last may still be going.
    for (let turn = 0; turn < 1000 && storage.usage().bytes > this.model.bytes; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
    assertEquals(KEYS.filter((key) => storage.find(key) !== null).sort(), this.model.keys);
    const usage = { entries: this.model.entries.length, bytes: this.model.bytes };
    assertEquals(storage.usage(), usage);
    assertEquals(diskUsage(data), usage.bytes);
    this.#ceiling = Math.max(this.model.maxBytes, usage.bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeAll();
    await this.local[Symbol.asyncDispose]();
  }
}

Deno.test("usage is never over the limit, and what goes is what was not used for longest", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(STEP, fc.integer({ min: 0, max: 2 })), { maxLength: 60, size: "max" }),
      async (steps) => {
        await using subject = await Subject.make();
        for (const [step, ms] of steps) {
          await subject.run(step);
          await subject.compare();
          subject.clock.instant += ms;
        }
      },
    ),
    { numRuns: 60 },
  );
});
