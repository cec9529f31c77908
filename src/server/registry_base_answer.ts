import { PSEUDONYM } from "./common_headers.ts";
import type { Answer } from "./representation.ts";

/**
 * Clients of registries ask first whether there is one, and how to log in. Here nobody has to, and
 * the answer is ours, so that it is there with no registry behind us.
 */
export function registryBaseAnswer(): Answer {
  const body = new TextEncoder().encode("{}\n");
  const headers = new Headers({
    "content-type": "application/json",
    "content-length": String(body.byteLength),
    "docker-distribution-api-version": "registry/2.0",
    via: `1.1 ${PSEUDONYM}`,
  });
  return { status: 200, headers, body };
}
