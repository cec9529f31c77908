// @ts-check
/// <reference lib="dom" />

/** What is wrong in words that can be shown. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0: there was no answer.
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * Asks the admin listener, and takes JSON.
 *
 * @param {string} target Path and query.
 * @param {string} method
 * @returns {Promise<any>}
 */
export async function ask(target, method = "GET") {
  const response = await send(target, method, undefined);
  return await response.json();
}

/**
 * Sends JSON, and takes server-sent events as they come.
 *
 * @param {string} target
 * @param {unknown} body
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{ name: string, data: any }, void>}
 */
export async function* events(target, body, signal) {
  const response = await send(target, "POST", { body: JSON.stringify(body), signal });
  if (response.body === null) return;
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (name !== undefined && data !== undefined) yield { name, data: JSON.parse(data) };
    }
  }
}

/**
 * @param {string} target
 * @param {string} method
 * @param {RequestInit | undefined} init
 * @returns {Promise<Response>}
 */
async function send(target, method, init) {
  // The header says that this is meant: a page of another origin cannot send it.
  const headers = { "x-cache-proxy": "1", "content-type": "application/json" };
  // The page's own URL may hold credentials, with which nothing can be fetched.
  const url = location.origin + target;
  const response = await fetch(url, { method, headers, ...init }).catch((error) => {
    if (init?.signal?.aborted) throw error;
    throw new ApiError("The proxy does not answer", 0);
  });
  // A refresh that brought nothing says so with a status of its own.
  if (response.ok || response.headers.get("content-type") !== "application/json") return response;
  const answer = await response.clone().json();
  if (typeof answer.error === "string") throw new ApiError(answer.error, response.status);
  return response;
}

/**
 * The path of a client behind one of ours.
 *
 * @param {string} route
 * @param {string} path As the catalog tells it, escaped already.
 * @returns {string}
 */
export function targetOf(route, path) {
  return route + path.replaceAll("#", "%23");
}
