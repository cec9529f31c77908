import { RawOrigin } from "./origin.ts";

/** A kind of trouble with mirrors. */
export interface BadMirror {
  readonly name: string;
  /** What a client gets when there is no other mirror; null: a head, and then a broken transfer. */
  readonly aloneStatus: (bytes: number) => number | null;
  /** @param bytes How long the file would be. */
  readonly start: (bytes: number) => RawOrigin;
}

/** A body of at most this many bytes wins its race with its last byte, not with its head. */
export const SMALL_BODY_BYTES = 64 * 1024;

function answering(name: string, status: number, head: string): BadMirror {
  return {
    name,
    aloneStatus: () => status,
    start: () => new RawOrigin(({ write }) => write(head)),
  };
}

function ok(fields: string): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n${fields}\r\n\r\n`;
}

/** Mirrors that make one wait for ever. Whoever asks them needs a clock to be rid of them. */
export const SILENT_MIRRORS: readonly BadMirror[] = [
  {
    name: "silent",
    aloneStatus: () => 504,
    start: () => new RawOrigin(({ closedByPeer }) => closedByPeer()),
  },
  {
    name: "silent after its head",
    aloneStatus: () => 504,
    start: (bytes) =>
      new RawOrigin(async ({ write, closedByPeer }) => {
        await write(ok(`Content-Length: ${bytes}`));
        await closedByPeer();
      }),
  },
];

/** Mirrors that answer at once, and badly. */
export const BAD_MIRRORS: readonly BadMirror[] = [
  {
    name: "reset",
    aloneStatus: () => 502,
    start: () => new RawOrigin(() => {}, { resets: true }),
  },
  answering("closing without a word", 502, ""),
  answering("404", 404, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"),
  answering("410", 410, "HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\nno"),
  answering("403", 502, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
  answering("500", 502, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno"),
  answering("206", 502, "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nno"),
  answering("304", 502, "HTTP/1.1 304 Not Modified\r\n\r\n"),
  answering(
    "HTML",
    502,
    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 6\r\n\r\n<html>",
  ),
  answering(
    "redirect to another host",
    502,
    "HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\nContent-Length: 0\r\n\r\n",
  ),
  answering("nonsense", 502, "220 mail.test ESMTP\r\n\r\n"),
  answering("nonsense in the head", 502, "HTTP/1.1 200 OK\r\nno colon here\r\n\r\nhello"),
  answering("a head without an end", 502, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
  answering("two lengths", 502, ok("Content-Length: 5\r\nContent-Length: 6") + "hello"),
  answering(
    "longer than declared",
    502,
    ok("Content-Length: 3\r\nTransfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n",
  ),
  {
    name: "no byte of the body",
    aloneStatus: () => 502,
    start: (bytes) => new RawOrigin(({ write }) => write(ok(`Content-Length: ${bytes}`))),
  },
];

/** Breaks off in the midst of the body. */
export const SHORT_BODY: BadMirror = {
  name: "short body",
  aloneStatus: (bytes) => bytes <= SMALL_BODY_BYTES ? 502 : null,
  start: (bytes) =>
    new RawOrigin(({ write }) =>
      write(ok(`Content-Length: ${bytes}`) + "x".repeat(Math.floor(bytes * 0.9)))
    ),
};
