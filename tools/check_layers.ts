/**
 * Fails on every import that goes upwards or sideways, and on import cycles.
 *
 * Usage: check_layers.ts [ROOT], the folder of main.ts; default: the current one.
 *
 * @module
 */

import { fromFileUrl, join, relative, resolve } from "@std/path";

/** Each layer may import those behind it. `base` is types.ts and errors.ts. */
const LAYERS = ["main", "server", "cache", "fill", "storage", "decide", "base"] as const;

/** Stands beside the others: main alone reads it, and it knows `base` alone. */
const CONFIG = "config";

/** What `decide` may use from outside the project: it is pure. */
const PURE: readonly string[] = [
  "node:crypto",
  "npm:@streamparser/json",
  "npm:htmlparser2",
  "npm:ipaddr.js",
];

/** Of the standard library: from text to text. */
const PURE_STANDARD = /^npm:deno-std@[\d.]+\/html\//;

type Layer = typeof LAYERS[number] | typeof CONFIG;

interface Import {
  /** Path relative to the root, or the specifier of something outside the project. */
  readonly to: string;
  /** Counted from 1. */
  readonly line: number;
}

/** The files of the project, by path relative to the root, each with what it imports. */
type Graph = ReadonlyMap<string, readonly Import[]>;

/** The part of `deno info --json` that we read. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: Resolution;
      readonly type?: Resolution;
    }[];
  }[];
}

interface Resolution {
  readonly specifier?: string;
  readonly error?: string;
  readonly span: { readonly start: { readonly line: number } };
}

if (import.meta.main) {
  const graph = await readGraph(resolve(Deno.args[0] ?? "."));
  const problems = [...wrongImports(graph), ...cycles(graph)];
  const summary = `${graph.size} files, ${problems.length} wrong imports`;
  Deno.stdout.writeSync(new TextEncoder().encode([...problems, summary].join("\n") + "\n"));
  if (problems.length > 0) Deno.exitCode = 1;
}

/** Reads what main.ts reaches, and then what else is in src: tools and tests may use it. */
async function readGraph(root: string): Promise<Graph> {
  const graph = new Map<string, readonly Import[]>();
  await addFrom("main.ts", root, graph);
  for (const file of (await sourceFiles(root, "src")).sort()) {
    if (!graph.has(file)) await addFrom(file, root, graph);
  }
  return graph;
}

async function addFrom(entry: string, root: string, graph: Map<string, readonly Import[]>) {
  const command = new Deno.Command(Deno.execPath(), { args: ["info", "--json", entry], cwd: root });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`Cannot read imports: ${new TextDecoder().decode(stderr)}`);
  const { modules }: Info = JSON.parse(new TextDecoder().decode(stdout));
  for (const { specifier, error, dependencies = [] } of modules) {
    if (error !== undefined) throw new Error(`Cannot read imports of ${specifier}: ${error}`);
    // The ambient declarations only name packages; they import nothing.
    if (!specifier.startsWith("file:") || specifier.endsWith(".d.ts")) continue;
    const imports = dependencies.flatMap(({ specifier: written, code, type }) =>
      [code, type].flatMap((found) =>
        found === undefined ? [] : [{
          to: nameOf(found.specifier ?? written, root),
          line: found.span.start.line + 1,
        }]
      )
    );
    graph.set(nameOf(specifier, root), imports);
  }
}

async function sourceFiles(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await sourceFiles(root, path));
    else if (name.endsWith(".ts") && !name.endsWith(".d.ts")) files.push(path);
  }
  return files;
}

function nameOf(specifier: string, root: string): string {
  return specifier.startsWith("file:") ? relative(root, fromFileUrl(specifier)) : specifier;
}

function wrongImports(graph: Graph): string[] {
  return [...graph].flatMap(([from, imports]) =>
    imports.flatMap(({ to, line }) => {
      const reason = whyWrong(from, to);
      return reason === null ? [] : [`${from}:${line} imports ${to}: ${reason}`];
    })
  );
}

function whyWrong(from: string, to: string): string | null {
  const layer = layerOf(from);
  if (layer === null) return `${from} belongs to no layer`;
  if (isOutside(to)) {
    return layer === "decide" && !PURE.includes(to.replace(/@[^@/]*$/, "")) &&
        !PURE_STANDARD.test(to)
      ? `of all that is outside, decide may import only ${PURE.join(", ")}`
      : null;
  }
  const target = layerOf(to);
  if (target === null) return `${to} belongs to no layer`;
  if (target === layer || layersBelow(layer).includes(target)) return null;
  return `${layer} may import only ${layersBelow(layer).join(", ") || "itself"}`;
}

function layersBelow(layer: Layer): readonly Layer[] {
  if (layer === CONFIG) return ["base"];
  const below: Layer[] = LAYERS.slice(LAYERS.indexOf(layer) + 1);
  return layer === "main" ? [CONFIG, ...below] : below;
}

function layerOf(path: string): Layer | null {
  // The manifest holds the version, which main alone knows.
  if (path === "main.ts" || path === "deno.json") return "main";
  if (path === "src/types.ts" || path === "src/errors.ts") return "base";
  const folder = /^src\/([^/]+)\//.exec(path)?.[1];
  const layers: readonly Layer[] = [...LAYERS, CONFIG];
  return layers.find((layer) => layer === folder && layer !== "base") ?? null;
}

function isOutside(name: string): boolean {
  return /^[a-z]+:/.test(name);
}

/** Every cycle that a walk in depth meets, as the files on it. */
function cycles(graph: Graph): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) found.push(`Cycle: ${[...trail.slice(start), file].join(" > ")}`);
    if (start !== -1 || done.has(file)) return;
    for (const { to } of graph.get(file) ?? []) walk(to, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return [...new Set(found)];
}
