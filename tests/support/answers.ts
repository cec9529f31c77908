import { formatHttpDate } from "../../src/decide/http_date.ts";
import { bytesOf } from "./body.ts";
import type { Answerer } from "./origin.ts";

/** What a well-behaved mirror says of a file. */
export interface FileFacts {
  readonly etag?: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly lastModified?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A mirror that has one file under every name and knows conditional requests. */
export function fileAnswer(
  content: string | Uint8Array<ArrayBuffer>,
  { etag, lastModified, headers = {} }: FileFacts = {},
): Answerer {
  const body = typeof content === "string" ? bytesOf(content) : content;
  return ({ method, headers: asked }) => {
    const fields = new Headers({ "content-type": "text/plain", ...headers });
    if (etag !== undefined) fields.set("etag", etag);
    if (lastModified !== undefined) fields.set("last-modified", formatHttpDate(lastModified));
    const tag = asked.get("if-none-match");
    const since = asked.get("if-modified-since");
    const isKnown = tag !== null
      ? tag === etag
      : since !== null && lastModified !== undefined && lastModified <= Date.parse(since);
    if (isKnown) return new Response(null, { status: 304, headers: fields });
    fields.set("content-length", String(body.byteLength));
    return new Response(method === "HEAD" ? null : body, { headers: fields });
  };
}

/** A mirror that says nothing but this. */
export function statusAnswer(status: number, text = "sorry"): Answerer {
  return () => new Response(text, { status });
}
