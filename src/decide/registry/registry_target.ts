import type { Target } from "../../types.ts";

/** `/<name>/blobs/<digest>` behind the base of the API; only by the digest that can be checked. */
const BLOB = /^\/.+\/blobs\/(sha256:[0-9a-f]{64})$/;

/** The base of the API, unless the mount has it in itself. */
const API = "/v2";

/** The question whether this is a registry: the API's base, with and without a slash at its end. */
const BASE = /^\/v2\/?$/;

/** No name of a repository: those begin with a letter or a digit. */
const SHARED_NAME = "-";

/** Whether a client asks if there is a registry of the second version of the API here at all. */
export function isRegistryBase(path: string): boolean {
  return BASE.test(path);
}

/**
 * The target of a request to a registry, with the key that all names share: a blob by its digest is
 * the same in every repository of a registry. The path stays as it is, since that is what the
 * registry is asked for: it knows in which repositories the client may read.
 *
 * Blobs of two registries have two keys: who may read the one need not see what is in the other.
 * containerd's `ns`, the name of the registry that it means, is left out.
 *
 * @param mounts Client paths, without a slash at their end, below which registries are.
 */
export function registryTarget(target: Target, mounts: readonly string[]): Target {
  // The longest first: one registry may be mounted below another one.
  const mount = mounts.filter((mount) => target.path.startsWith(`${mount}/`))
    .sort((one, other) => other.length - one.length)[0];
  if (mount === undefined) return target;
  const query = withoutNamespace(target.query);
  const base = `${mount}/`.includes(`${API}/`) ? mount : mount + API;
  const digest = target.path.startsWith(base)
    ? BLOB.exec(target.path.slice(base.length))?.[1]
    : undefined;
  const path = digest === undefined ? target.path : `${base}/${SHARED_NAME}/blobs/${digest}`;
  return { ...target, query, key: path + query };
}

function withoutNamespace(query: string): string {
  if (!/[?&]ns=/.test(query)) return query;
  const others = query.slice(1).split("&").filter((pair) => !pair.startsWith("ns="));
  return others.length === 0 ? "" : `?${others.join("&")}`;
}
