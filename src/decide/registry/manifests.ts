import type { HeaderList } from "../../types.ts";
import { firstValue } from "../fields.ts";

/** Field by which registries say what a manifest is. */
const DIGEST_FIELD = "docker-content-digest";

/** A manifest by its tag: by digest there is a colon. The query may follow. */
const BY_TAG = /\/manifests\/[^/:?#]+(?:[?#]|$)/;

const MANIFEST = /\/manifests\/[^/?#]+(?:[?#]|$)/;

/**
 * All forms of manifests in use. Where no client has said what it takes, these are asked for: a
 * registry may refuse what it has, or make something else of it, unless its form is named.
 */
const MANIFEST_TYPES: readonly string[] = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "*/*",
];

/** Whether what is there may change, so that a HEAD is asked first. */
export function isTagUrl(url: string): boolean {
  return BY_TAG.test(url);
}

/** What to ask a registry for in `Accept` where nobody says it; null: nothing in particular. */
export function manifestAccept(url: string): string | null {
  return MANIFEST.test(url) ? MANIFEST_TYPES.join(", ") : null;
}

/** Whether a registry says of two answers that their bodies are the same. */
export function isSameManifest(one: HeaderList, other: HeaderList): boolean {
  const digest = firstValue(one, DIGEST_FIELD);
  return digest !== null && digest === firstValue(other, DIGEST_FIELD);
}
