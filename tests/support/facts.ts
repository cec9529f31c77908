import { compilePattern } from "../../src/config/go_pattern.ts";
import type { BodyHead, Entry, Pattern, Policy, Target, Upstream } from "../../src/types.ts";

/** The instant of tests that hold the time: a whole second. */
export const NOON = Date.UTC(2026, 0, 15, 12);

export function pattern(source: string): Pattern {
  return compilePattern(source);
}

/** An upstream without any settings of its own but those given. */
export function upstream(facts: Partial<Upstream> = {}): Upstream {
  return {
    name: "mirror",
    server: "http://mirror.test",
    mapping: null,
    mount: "",
    files: [],
    auth: null,
    cachePrivate: false,
    protocol: "http",
    tokenRealm: null,
    checkers: [{ statusCodes: [200], headers: [] }],
    allowedRedirect: null,
    priorityGroups: [],
    headers: [],
    proxy: null,
    allowMethods: [],
    ...facts,
  };
}

/** A target whose canonical spelling is the client's own, unless told otherwise. */
export function target(path: string, facts: Partial<Target> = {}): Target {
  return { key: path, path, rawPath: path, query: "", ...facts };
}

export function entry(facts: Partial<Entry> = {}): Entry {
  return {
    key: "/pool/hello.deb",
    status: 200,
    file: "pool/hello.deb",
    size: 5,
    etag: '"v1"',
    lastModified: NOON - 60_000,
    headers: [["content-type", "text/plain"]],
    upstream: "mirror",
    storedAt: NOON,
    requestedAt: NOON,
    validatedAt: NOON,
    vary: [],
    ...facts,
  };
}

/** The policy of all paths, as it is without a config. */
export function policy(facts: Partial<Policy> = {}): Policy {
  return {
    match: pattern(""),
    refreshAfter: 3_600_000,
    staleIfErrorMs: null,
    staleWhileRevalidateMs: 0,
    negative: new Map(),
    ...facts,
  };
}

export function bodyHead(facts: Partial<BodyHead> = {}): BodyHead {
  return {
    status: 200,
    size: 5,
    etag: '"v1"',
    lastModified: NOON - 60_000,
    headers: [["content-type", "text/plain"]],
    upstream: "mirror",
    requestedAt: NOON,
    receivedAt: NOON,
    vary: [],
    ...facts,
  };
}
