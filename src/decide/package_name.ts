/** What the name of a package's file says. */
export interface PackageName {
  /** The same for all versions of one package for one kind of machine, and for nothing else. */
  readonly family: string;
  readonly version: string;
}

/**
 * How files are named: the groups `name` and `version`, and in `kind` what else has to be the same.
 * The first that fits counts.
 */
const FORMS: readonly RegExp[] = [
  // https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
  /^(?<name>[a-z0-9][a-z0-9+.-]*)_(?<version>[^_]+)(?<kind>_[^_]+\.(?:deb|udeb|ddeb))$/,
  // https://rpm-software-management.github.io/rpm/manual/tags.html
  /^(?<name>.+)-(?<version>[^-]+-[^-]+)(?<kind>\.[^.-]+\.rpm)$/,
  // https://wiki.archlinux.org/title/Arch_package_guidelines
  /^(?<name>.+)-(?<version>[^-]+-[^-]+)(?<kind>-[^-]+\.pkg\.tar\.\w+)$/,
  // https://wiki.alpinelinux.org/wiki/Package_policies
  /^(?<name>.+)-(?<version>\d[^-]*-r\d+)(?<kind>\.apk)$/,
  // https://packaging.python.org/en/latest/specifications/binary-distribution-format/
  /^(?<name>[^-]+)-(?<version>\d[^-]*)(?<kind>-(?:\d[^-]*-)?[^-]+-[^-]+-[^-]+\.whl)$/,
  // Packages of npm and crates: https://semver.org
  /^(?<name>.+?)-(?<version>\d+\.\d+\.\d+[^/]*?)(?<kind>\.(?:tgz|crate))$/,
  // https://packaging.python.org/en/latest/specifications/source-distribution-format/
  /^(?<name>[^-]+)-(?<version>\d[^-]*?)(?<kind>\.tar\.gz)$/,
];

/** What is not published for everybody yet: semver, Python. */
const PRE_RELEASE = /^\d+\.\d+\.\d+-|\d(?:a|b|rc)\d|\.dev\d/;

/** What follows its own rules of order, which know no such thing. */
const ONLY_RELEASES = /\.(?:deb|udeb|ddeb|rpm|apk)$|\.pkg\.tar\.\w+$/;

/** Reads the name of a package's file in a canonical path; null when it looks like none. */
export function packageName(path: string): PackageName | null {
  const file = decoded(path.slice(path.lastIndexOf("/") + 1));
  for (const form of FORMS) {
    const { name, version, kind } = form.exec(file)?.groups ?? {};
    if (name === undefined || version === undefined || kind === undefined) continue;
    return { family: `${name} ${kind}`, version };
  }
  return null;
}

/** Whether somebody who has one version would take the other for an update. */
export function isUpdate(kind: string, from: string, to: string): boolean {
  const mayBePreRelease = ONLY_RELEASES.test(kind) || PRE_RELEASE.test(from);
  return (mayBePreRelease || !PRE_RELEASE.test(to)) && compareVersions(from, to) < 0;
}

/**
 * The order of two versions, as far as all kinds agree: numbers by value, letters by the alphabet, a
 * tilde before everything. https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
 */
export function compareVersions(one: string, other: string): number {
  const [ours, theirs] = [partsOf(one), partsOf(other)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at++) {
    const [our = "", their = ""] = [ours[at], theirs[at]];
    if (our === their) continue;
    if (our.startsWith("~") || their.startsWith("~")) {
      if (our.startsWith("~") !== their.startsWith("~")) return our.startsWith("~") ? -1 : 1;
    }
    const byValue = Number(our) - Number(their);
    if (our !== "" && their !== "" && !Number.isNaN(byValue) && byValue !== 0) return byValue;
    return our < their ? -1 : 1;
  }
  return 0;
}

function partsOf(version: string): string[] {
  return version.match(/\d+|~+|[^\d~]+/g) ?? [];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
