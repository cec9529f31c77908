import type { Key } from "../../types.ts";
import { cargoIndexRoot } from "./cargo_index.ts";
import { folderBefore, folderOf } from "./key_below.ts";
import type { ListFormat } from "./parser_of.ts";

/** Ends of names that say how a list is compressed. */
const COMPRESSED = /\.(?:xz|gz|bz2|zst|lzma|lz4|zck|br)$/;

/**
 * What is one list, however it is compressed and whatever hash its name begins with: a new one takes
 * the place of the one before.
 */
export function sourceOf(format: ListFormat, key: Key): Key {
  const plain = key.replace(COMPRESSED, "");
  if (format !== "rpm-primary") return plain;
  return plain.replace(/\/[0-9a-f]{32,128}-([^/]+)$/, "/$1");
}

/**
 * Whether a list may be the one that names a file: a request for the file waits for it then. Where
 * nothing can be told by the names, it does not wait.
 */
export function mayName(format: ListFormat, list: Key, path: Key): boolean {
  if (list === path) return false;
  switch (format) {
    case "apt-release":
      return path.startsWith(folderOf(list));
    case "apt-packages":
    case "apt-sources": {
      const root = folderBefore(list, "dists") ?? folderOf(list);
      return path.startsWith(root) && !path.startsWith(`${root}dists/`);
    }
    case "rpm-repomd":
      return path.startsWith(folderOf(list));
    case "rpm-primary": {
      const root = folderBefore(list, "repodata") ?? folderOf(list);
      return path.startsWith(root) && !path.startsWith(`${root}repodata/`);
    }
    case "pacman-db":
      return path.startsWith(folderOf(list));
    case "simple-index":
      return projectOf(lastName(path)).startsWith(projectOf(lastName(list.replace(/\/$/, ""))));
    case "npm-metadata": {
      const name = list.replace(/%2f/gi, "/").split("/").slice(-2).join("/");
      return path.includes(`/${lastName(name)}/-/`);
    }
    case "cargo-index":
      return cargoIndexRoot(list) !== null && path.includes(lastName(list));
    case "go-sumdb": {
      const [, module = ""] = /\/lookup\/(.+)@[^@]*$/.exec(list) ?? [];
      return module !== "" && path.includes(`/${module}/@v/`);
    }
    case "narinfo":
      return path.startsWith(folderOf(list)) && path.includes("/nar/");
    case "maven-checksum":
      return list.startsWith(`${path}.`);
    case "rubygems-index":
      return lastName(path).startsWith(`${lastName(list)}-`);
  }
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
function projectOf(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
