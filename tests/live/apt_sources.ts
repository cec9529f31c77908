import { join } from "@std/path";

/** Where apt gets binary packages from. */
export interface AptSource {
  /** Without a slash at its end. */
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** As in the file: the path of a key, or the key itself; null: whichever the system trusts. */
  readonly signedBy: string | null;
}

const FOLDER = "/etc/apt";

/** The sources of this machine that are asked by HTTP or HTTPS, in the order of their files. */
export async function readAptSources(): Promise<AptSource[]> {
  const parts = join(FOLDER, "sources.list.d");
  const names = await Array.fromAsync(Deno.readDir(parts), ({ name }) => name).catch(() => []);
  const files = [join(FOLDER, "sources.list"), ...names.sort().map((name) => join(parts, name))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await Deno.readTextFile(file).catch(() => "");
    if (file.endsWith(".sources")) sources.push(...parseStanzas(text));
    else if (file.endsWith(".list")) sources.push(...parseLines(text));
  }
  return sources.filter(({ uri }) => /^https?:/.test(uri));
}

/** The form of `*.sources`: stanzas of fields. */
function parseStanzas(text: string): AptSource[] {
  const withoutComments = text.replaceAll(/^#.*\n/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | null =>
      new RegExp(`^${name}:[ \\t]*((?:.*)(?:\\n[ \\t].*)*)`, "im").exec(stanza)?.[1] ?? null;
    const words = (name: string): string[] => wordsOf(field(name) ?? "");
    if (!words("Types").includes("deb") || words("Enabled").includes("no")) return [];
    return words("URIs").map((uri) => ({
      uri: uri.replace(/\/+$/, ""),
      suites: words("Suites"),
      components: words("Components"),
      signedBy: field("Signed-By"),
    }));
  });
}

/** The form of `*.list`: one line a source. */
function parseLines(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /\bsigned-by=(\S+)/i.exec(options)?.[1] ?? null;
    const trimmed = uri.replace(/\/+$/, "");
    return [{ uri: trimmed, suites: [suite], components: wordsOf(components), signedBy }];
  });
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
