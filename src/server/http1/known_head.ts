import { type Framing, framingOf, isPersistent } from "./framing.ts";
import { parseHead, type RequestHead, type Unreadable } from "./request_head.ts";

/** The head of a request that can be answered, and what follows from it. */
export interface ReadHead {
  readonly head: RequestHead;
  readonly framing: Framing;
  /** Whether the connection may be used again, as far as the client goes. */
  readonly persists: boolean;
  /** As it came, the empty line at its end included; null: too long to be kept. */
  readonly bytes: Uint8Array | null;
}

/** Longer heads are read each time. Bounds what each connection keeps beside its buffer. */
const MAX_KEPT_BYTES = 1024;

const CR = 13;
const LF = 10;

/**
 * What was read last by anybody: clients of one kind send the same head, and a new connection need
 * not read it again.
 */
let latest: ReadHead | null = null;

/** The head that a new connection most likely begins with; null when nothing was read so far. */
export function likelyHead(): ReadHead | null {
  return latest;
}

/**
 * Reads a head and checks it. Clients send nearly the same head again and again: the fields are read
 * anew only where a byte of them differs from those of the head before. What comes of a head is a
 * function of its bytes alone, so it may be shared.
 *
 * @param bytes As `ConnReader.takeHead` gives it.
 * @param before What the same client sent before.
 */
export function readHead(bytes: Uint8Array, before: ReadHead | null): ReadHead | Unreadable {
  const known = before?.bytes ?? null;
  const fields = known === null || before === null ? null : sameFields(bytes, known);
  const head = fields === null || before === null
    ? parseHead(bytes)
    : parseHead(bytes.subarray(0, fields), before.head.fields);
  if ("status" in head) return head;
  const framing = framingOf(head);
  if ("status" in framing) return framing;
  const refusal = hostProblem(head) ?? expectationProblem(head);
  if (refusal !== null) return refusal;
  return latest = { head, framing, persists: isPersistent(head), bytes: kept(bytes) };
}

/** Where the first line ends, if all that follows is the same in both; else null. */
function sameFields(bytes: Uint8Array, known: Uint8Array): number | null {
  const end = bytes.indexOf(CR);
  const knownEnd = known.indexOf(CR);
  const length = bytes.byteLength - end;
  // What is known has the empty line and the line end before it, too.
  if (end === -1 || length !== known.byteLength - 4 - knownEnd) return null;
  for (let at = 0; at < length; at++) {
    if (bytes[end + at] !== known[knownEnd + at]) return null;
  }
  return end;
}

function kept(bytes: Uint8Array): Uint8Array | null {
  const length = bytes.byteLength;
  if (length > MAX_KEPT_BYTES) return null;
  const copy = new Uint8Array(length + 4);
  copy.set(bytes);
  copy[length] = copy[length + 2] = CR;
  copy[length + 1] = copy[length + 3] = LF;
  return copy;
}

/** RFC 9112 section 3.2. */
function hostProblem({ fields, minor }: RequestHead): Unreadable | null {
  const hosts = fields.lines("host").length;
  if (hosts === 1 || (hosts === 0 && minor === 0)) return null;
  return { status: 400, reason: "Cannot read the request: it takes one Host field" };
}

/** RFC 9110 section 10.1.1. */
function expectationProblem({ fields }: RequestHead): Unreadable | null {
  const expects = fields.get("expect");
  if (expects === null || expects.toLowerCase() === "100-continue") return null;
  return { status: 417, reason: `Cannot meet the expectation ${expects}` };
}
