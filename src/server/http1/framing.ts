import type { RequestHead, Unreadable } from "./request_head.ts";

/** Where a request's body ends. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" };

const NONE: Framing = { kind: "none" };

/**
 * How long the body of a request is (RFC 9112 section 6.3). What could be understood in two ways is
 * refused, since a server in front of us may understand it in the other one (section 11.2).
 */
export function framingOf({ fields, minor }: RequestHead): Framing | Unreadable {
  const coding = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (coding === null && length === null) return NONE;
  if (coding !== null) {
    if (length !== null || minor === 0) return bad("its length is told in two ways");
    if (coding.toLowerCase() === "chunked") return { kind: "chunked" };
    return { status: 501, reason: `Cannot read a body in transfer coding ${coding}` };
  }
  if (length === null || !/^\d{1,15}$/.test(length)) return bad("its Content-Length is no number");
  const bytes = Number(length);
  return bytes === 0 ? NONE : { kind: "length", bytes };
}

/** Whether the connection may be used again (RFC 9112 section 9.3), as far as the client goes. */
export function isPersistent({ fields, minor }: RequestHead): boolean {
  const connection = fields.get("connection");
  if (connection === null) return minor === 1;
  const options = connection.toLowerCase().split(",").map((option) => option.trim());
  if (options.includes("close")) return false;
  return minor === 1 || options.includes("keep-alive");
}

function bad(what: string): Unreadable {
  return { status: 400, reason: `Cannot read the request: ${what}` };
}
