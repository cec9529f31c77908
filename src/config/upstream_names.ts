import { isMapping } from "./parse_yaml.ts";
import type { Problem } from "./problem.ts";
import type { ParsedUpstream } from "./schema.ts";

/**
 * The names of the upstreams, in order: the one that the file gives, else the host with its port,
 * with `-2`, `-3` and so on behind it where that is taken.
 */
export function upstreamNames(upstreams: readonly ParsedUpstream[]): string[] {
  const taken = new Set(upstreams.map(({ name }) => name));
  return upstreams.map(({ name, server }) => {
    if (name !== "") return name;
    const { host } = new URL(server);
    let derived = host;
    for (let count = 2; taken.has(derived); count += 1) derived = `${host}-${count}`;
    taken.add(derived);
    return derived;
  });
}

/** Names that the file gives to several upstreams. `tree` need not have passed the schema. */
export function duplicateNames(tree: unknown): Problem[] {
  const upstreams = isMapping(tree) && Array.isArray(tree["upstream"]) ? tree["upstream"] : [];
  const firstByName = new Map<string, number>();
  return upstreams.flatMap((upstream, index) => {
    const name = isMapping(upstream) ? upstream["name"] : undefined;
    if (typeof name !== "string" || name === "") return [];
    const first = firstByName.get(name);
    if (first === undefined) {
      firstByName.set(name, index);
      return [];
    }
    const message = `expected a name of its own, upstream[${first}] has the same`;
    return [{ path: ["upstream", index, "name"], message, addValue: true }];
  });
}

/** Names under `files` that no upstream has, or one that is not mounted: it cannot be linked to. */
export function unknownNames(upstreams: readonly ParsedUpstream[]): Problem[] {
  const names = upstreamNames(upstreams);
  return upstreams.flatMap(({ files }, index) =>
    Object.entries(files).flatMap(([host, name]) => {
      const target = upstreams[names.indexOf(name)];
      if (target !== undefined && target.path.match === null) return [];
      const message = target === undefined
        ? `expected the name of a mirror here: ${names.join(", ")}`
        : "expected a mirror that has at in place of path, so that links can lead to it";
      return [{ path: ["upstream", index, "files", host], message, addValue: true }];
    })
  );
}
