import type { DigestFormat } from "../../types.ts";
import { AptPackages } from "./apt_packages.ts";
import { AptRelease } from "./apt_release.ts";
import { AptSources } from "./apt_sources.ts";
import { CargoIndex } from "./cargo_index.ts";
import { GoSumdb } from "./go_sumdb.ts";
import type { ListParser, ListPlace, Tell } from "./list_parser.ts";
import { MavenChecksum } from "./maven_checksum.ts";
import { Narinfo } from "./narinfo.ts";
import { NpmMetadata } from "./npm_metadata.ts";
import { PacmanDb } from "./pacman_db.ts";
import { RpmMetadata } from "./rpm_metadata.ts";
import { RubygemsIndex } from "./rubygems_index.ts";
import { SimpleIndex } from "./simple_index.ts";

/** Formats of lists; the others are of paths that say it all. */
export type ListFormat = Exclude<DigestFormat, "sha256-path">;

/** What reads a list of a format. */
export function parserOf(format: ListFormat, place: ListPlace, tell: Tell): ListParser {
  switch (format) {
    case "apt-release":
      return new AptRelease(place, tell);
    case "apt-packages":
      return new AptPackages(place, tell);
    case "apt-sources":
      return new AptSources(place, tell);
    case "rpm-repomd":
      return new RpmMetadata(place, tell, "data");
    case "rpm-primary":
      return new RpmMetadata(place, tell, "package");
    case "simple-index":
      return new SimpleIndex(place, tell);
    case "npm-metadata":
      return new NpmMetadata(place, tell);
    case "cargo-index":
      return new CargoIndex(place, tell);
    case "go-sumdb":
      return new GoSumdb(place, tell);
    case "narinfo":
      return new Narinfo(place, tell);
    case "pacman-db":
      return new PacmanDb(place, tell);
    case "maven-checksum":
      return new MavenChecksum(place, tell);
    case "rubygems-index":
      return new RubygemsIndex(place, tell);
  }
}

/** How the bytes of a list become text: those of an archive one by one. */
export function encodingOf(format: ListFormat): "utf-8" | "latin1" {
  return format === "pacman-db" ? "latin1" : "utf-8";
}
