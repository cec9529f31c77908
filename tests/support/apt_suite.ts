import { formatHttpDate } from "../../src/decide/http_date.ts";
import { bytesOf, sha256 } from "./body.ts";
import { Origin } from "./origin.ts";

/** One file as a mirror has it. */
export interface MirroredFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Milliseconds since the epoch, whole seconds; null: the mirror does not say. */
  readonly lastModified: number | null;
}

/** All files of one state of a suite, by their paths. */
export type SuiteState = ReadonlyMap<string, MirroredFile>;

/** The text of a `Release` that lists these files. */
export function releaseText(files: ReadonlyMap<string, Uint8Array>, label = ""): string {
  const lines = [...files].map(([name, bytes]) => ` ${sha256(bytes)} ${bytes.byteLength} ${name}`);
  return ["Origin: Test", `Label: ${label}`, "SHA256:", ...lines, ""].join("\n");
}

/** A state of the suite in a folder: its members, and the `InRelease` that lists them. */
export function suiteState(
  folder: string,
  members: Readonly<Record<string, string>>,
  lastModified: number | null = null,
  anchor = "InRelease",
): SuiteState {
  const files = new Map(Object.entries(members).map(([name, text]) => [name, bytesOf(text)]));
  const release = bytesOf(releaseText(files));
  return new Map(
    [[anchor, release] as const, ...files].map(([name, bytes]) => [
      folder + name,
      { bytes, lastModified },
    ]),
  );
}

/** Where a file is under its own hash. */
export function byHash(path: string, hash: string): string {
  return `${path.slice(0, path.lastIndexOf("/"))}/by-hash/SHA256/${hash}`;
}

/** A mirror whose files are replaced one by one. */
export class FileMirror implements AsyncDisposable {
  readonly files = new Map<string, MirroredFile>();
  /** What it answers to everything; null: it is well. */
  trouble: number | null = null;
  readonly origin: Origin;
  /** Called before each answer. */
  onAsked: () => void = () => {};

  constructor(...states: SuiteState[]) {
    for (const state of states) this.put(state);
    this.origin = new Origin(({ target, headers }) => this.#answer(target, headers));
  }

  get url(): string {
    return this.origin.url;
  }

  /** All of a state at once. */
  put(state: SuiteState): void {
    for (const [path, file] of state) this.files.set(path, file);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.origin[Symbol.asyncDispose]();
  }

  #answer(path: string, asked: Headers): Response {
    this.onAsked();
    if (this.trouble !== null) return new Response("sorry", { status: this.trouble });
    const file = this.files.get(path);
    if (file === undefined) return new Response("gone", { status: 404 });
    const { bytes, lastModified } = file;
    const fields = new Headers({ "content-length": String(bytes.byteLength) });
    if (lastModified !== null) fields.set("last-modified", formatHttpDate(lastModified));
    const since = Date.parse(asked.get("if-modified-since") ?? "");
    if (lastModified !== null && lastModified <= since) return new Response(null, { status: 304 });
    return new Response(bytes, { headers: fields });
  }
}
