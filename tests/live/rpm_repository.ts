import { join } from "@std/path";
import { mustRun } from "./machine.ts";

/** A package of one small file, made by its name and version alone. */
export interface RpmPackage {
  readonly name: string;
  readonly version: string;
}

/** A description of this length makes a chunk of its own in a zchunk file, in bytes. */
const DESCRIPTION_BYTES = 2_000;

const PUBLISHED = new Date("2026-01-01T00:00:00Z");

/**
 * Makes packages, and a repository of them with zchunk metadata, in a new folder.
 *
 * @param previous A repository whose packages are taken over as they are; null: all are made.
 */
export async function makeRpmRepository(
  folder: string,
  packages: readonly RpmPackage[],
  previous: string | null = null,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const rpm of packages) {
    const file = join(folder, fileName(rpm));
    const old = previous === null ? null : join(previous, fileName(rpm));
    const taken = old !== null && await Deno.copyFile(old, file).then(() => true, () => false);
    if (!taken) await build(folder, rpm);
    // The metadata tells it.
    await Deno.utime(file, PUBLISHED, PUBLISHED);
  }
  await mustRun("createrepo_c", ["--quiet", "--zck", folder]);
}

/** What a package of a repository is called. */
export function fileName({ name, version }: RpmPackage): string {
  return `${name}-${version}.rpm`;
}

async function build(folder: string, { name, version }: RpmPackage): Promise<void> {
  const top = await Deno.makeTempDir();
  try {
    const spec = join(top, `${name}.spec`);
    const lines = [
      `Name: ${name}`,
      `Version: ${version}`,
      "Release: 1",
      `Summary: The package ${name}`,
      "License: MIT",
      "BuildArch: noarch",
      "%description",
      incompressible(`${name} ${version}`),
      "%install",
      `mkdir -p %{buildroot}/usr/share/${name}`,
      `echo ${version} > %{buildroot}/usr/share/${name}/version`,
      "%files",
      `/usr/share/${name}`,
    ];
    await Deno.writeTextFile(spec, lines.join("\n") + "\n");
    const places = ["--define", `_topdir ${top}`, "--define", `_rpmdir ${folder}`];
    // All in one folder, as small repositories have it.
    const named = ["--define", "_rpmfilename %{NAME}-%{VERSION}.rpm"];
    await mustRun("rpmbuild", ["-bb", "--quiet", ...places, ...named, spec]);
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}

/** The same text each time, and another one for each seed. */
function incompressible(seed: string): string {
  let state = [...seed].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7);
  let text = "";
  while (text.length < DESCRIPTION_BYTES) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += (state >>> 8).toString(36);
  }
  return text;
}
