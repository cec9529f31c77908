// The npm package `deno-std` ships no types. This file declares the part of it that we use, under
// the names that deno.json maps to it.

declare module "@std/yaml" {
  /** Parses one YAML document; throws a SyntaxError that names line and column. */
  export function parse(content: string): unknown;
  export function stringify(data: unknown): string;
}

declare module "@std/html" {
  /** Writes `& < > " '` as references. */
  export function escape(str: string): string;
  /** Reads those references, `&apos;`, `&nbsp;` and numeric ones; others stay. */
  export function unescape(str: string): string;
}

declare module "@std/media-types" {
  /** The media type, without parameters, of an extension such as `.deb` or `deb`, in any case. */
  export function typeByExtension(extension: string): string | undefined;
}

declare module "@std/path" {
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function extname(path: string): string;
  export function fromFileUrl(url: string | URL): string;
  export function join(...paths: string[]): string;
  export function relative(from: string, to: string): string;
  export function resolve(...paths: string[]): string;
}

declare module "@std/path/posix" {
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function extname(path: string): string;
  export function join(...paths: string[]): string;
}

declare module "@std/text" {
  /** The word of `possibleWords` that is nearest to `givenWord`. */
  export function closestString(givenWord: string, possibleWords: readonly string[]): string;
  export function levenshteinDistance(a: string, b: string): number;
}

declare module "@std/assert" {
  // deno-lint-ignore no-explicit-any
  type Constructor<T> = new (...args: any[]) => T;
  export class AssertionError extends Error {}
  export function assert(value: unknown, message?: string): asserts value;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertInstanceOf<T>(
    actual: unknown,
    expected: Constructor<T>,
    message?: string,
  ): asserts actual is T;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertObjectMatch(
    actual: Record<PropertyKey, unknown>,
    expected: Record<PropertyKey, unknown>,
    message?: string,
  ): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertThrows(fn: () => unknown, message?: string): unknown;
  export function assertThrows<E extends Error>(
    fn: () => unknown,
    ErrorClass: Constructor<E>,
    includes?: string,
    message?: string,
  ): E;
  export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
  export function assertRejects<E extends Error>(
    fn: () => PromiseLike<unknown>,
    ErrorClass: Constructor<E>,
    includes?: string,
    message?: string,
  ): Promise<E>;
  export function fail(message?: string): never;
}

// The npm package `yauzl` ships no types either.
declare module "yauzl" {
  interface Entry {
    readonly fileName: string;
  }
  interface ZipFile {
    eachEntry(): AsyncIterable<Entry>;
    openReadStreamPromise(entry: Entry): Promise<AsyncIterable<Uint8Array>>;
    close(): void;
  }
  const yauzl: {
    openPromise(path: string): Promise<ZipFile>;
    fromBufferPromise(buffer: Uint8Array): Promise<ZipFile>;
  };
  export default yauzl;
}
