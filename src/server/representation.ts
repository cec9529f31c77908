import { BODYLESS_STATUSES } from "../decide/admission.ts";
import { multipartPlan } from "../decide/multipart.ts";
import type { ResponsePlan } from "../decide/plan_response.ts";
import type { FilePart } from "../storage/read_file.ts";
import { concatenated, type PartOpener } from "./body_stream.ts";
import { type AnswerFields, AnswerHeaders } from "./answer_headers.ts";
import type { Outgoing } from "./outgoing.ts";

/** Something that can be sent, whole or in parts. */
export interface Representation {
  /** Of the whole. */
  readonly status: number;
  /** All header fields but those that depend on the part that is sent. */
  readonly headers: readonly [string, string][];
  readonly contentType: string | null;
  /** Bytes; null: not known yet. */
  readonly size: number | null;
  /** The bytes from `start` up to `end` (exclusive; null: to the end), opened now. */
  open(
    start: number,
    end: number | null,
  ): Promise<ReadableStream<Uint8Array> | Uint8Array | FilePart>;
}

/** An answer without the access log's part in it. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerFields;
  readonly body: Outgoing["body"];
}

/** What an answer without any part of the representation must not say of its empty body. */
const OF_THE_BODY: readonly string[] = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
];

/** Carries a plan out, all but `wait`. A HEAD gets the same headers and no body. */
export async function renderPlan(
  plan: Exclude<ResponsePlan, { kind: "wait" }>,
  method: "GET" | "HEAD",
  of: Representation,
): Promise<Answer> {
  const headers = new AnswerHeaders(of.headers);
  switch (plan.kind) {
    case "not-modified":
      return notModified(headers);
    case "precondition-failed":
      return { status: 412, headers: withoutFields(headers, OF_THE_BODY), body: null };
    case "unsatisfiable":
      withoutFields(headers, OF_THE_BODY);
      headers.set("content-range", `bytes */${plan.size}`);
      headers.set("content-length", "0");
      return { status: 416, headers, body: null };
    case "whole": {
      if (of.size !== null) headers.set("content-length", String(of.size));
      const isEmpty = method === "HEAD" || BODYLESS_STATUSES.has(of.status);
      const body = isEmpty ? null : await of.open(0, of.size);
      return { status: of.status, headers, body };
    }
    case "ranges": {
      const [range, ...others] = plan.ranges;
      if (others.length > 0 && plan.size !== null) {
        return severalRanges([range, ...others], plan.size, headers, of);
      }
      const { start, end } = range;
      headers.set("content-range", `bytes ${start}-${end}/${plan.size ?? "*"}`);
      headers.set("content-length", String(end + 1 - start));
      return { status: 206, headers, body: await of.open(start, end + 1) };
    }
  }
}

/** RFC 9110 section 15.4.5: no field but those that tell a cache what it has. */
export function notModified(headers: AnswerFields): Answer {
  withoutFields(headers, ["content-type", "content-encoding", "content-language"]);
  return { status: 304, headers, body: null };
}

function withoutFields(headers: AnswerFields, names: readonly string[]): AnswerFields {
  for (const name of names) headers.delete(name);
  return headers;
}

function severalRanges(
  ranges: readonly { readonly start: number; readonly end: number }[],
  size: number,
  headers: AnswerFields,
  of: Representation,
): Answer {
  const plan = multipartPlan(ranges, size, of.contentType, crypto.randomUUID());
  headers.set("content-type", plan.contentType);
  headers.set("content-length", String(plan.contentLength));
  const pieces = plan.parts.flatMap(({ header, start, end }): PartOpener[] => [
    () => header,
    () => of.open(start, end + 1),
  ]);
  return { status: 206, headers, body: concatenated([...pieces, () => plan.trailer]) };
}
