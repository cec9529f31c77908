/** What of a `.cpuprofile` is read here: the format of V8's inspector. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  /** Node of each sample, and microseconds since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A name and its share of the time that was not idle, from 0 to 1. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

/** Where the one thread that runs JavaScript was. */
export interface Summary {
  /** Of the wall clock, from 0 to 1. */
  readonly idle: number;
  readonly areas: readonly Share[];
  readonly functions: readonly Share[];
}

const IDLE = "(idle)";

/** The profiler's own start, which takes half a second. */
const PROFILER = /deno_node\/inspector|^op_inspector/;

/** What a function belongs to. The first that fits counts. */
const AREAS: readonly (readonly [pattern: RegExp, area: string])[] = [
  [/^\(garbage collector\)/, "garbage collection"],
  [/^\(program\)/, "native code outside of any function"],
  [/^op_(?:node_)?fs_/, "files: the runtime and the system"],
  [/^op_\w*write/, "write: the runtime and the system"],
  [/^op_\w*read/, "read: the runtime and the system"],
  [/^op_/, "other calls of the runtime and the system"],
  [/src\/server\/http1\//, "src/server/http1"],
  [/src\/(\w+)\//, "src/$1"],
  [/node_modules|registry|npm/, "packages"],
  [/ext:|node:/, "JavaScript of the runtime"],
  [/^(?:run|get|all|exec)$/, "SQLite"],
];

/** Sums a profile up: self times by area and by function, those of the profiler left out. */
export function summaryOf(profile: CpuProfile): Summary {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const areas = new Map<string, number>();
  let [idle, busy] = [0, 0];
  for (const [index, id] of profile.samples.entries()) {
    const micros = Math.max(0, profile.timeDeltas[index] ?? 0);
    const { functionName, url, lineNumber } = nodes.get(id) ?? {
      functionName: "",
      url: "",
      lineNumber: 0,
    };
    if (PROFILER.test(url) || PROFILER.test(functionName)) continue;
    if (functionName === IDLE) {
      idle += micros;
      continue;
    }
    busy += micros;
    const place = placeOf(url);
    const at = place === "" ? "" : ` ${place}${url.startsWith("ext:") ? "" : `:${lineNumber + 1}`}`;
    add(functions, `${functionName || "(anonymous)"}${at}`, micros);
    add(areas, areaOf(functionName, url), micros);
  }
  return {
    idle: idle / Math.max(1, idle + busy),
    areas: sharesOf(areas, busy),
    functions: sharesOf(functions, busy),
  };
}

function areaOf(functionName: string, url: string): string {
  for (const [pattern, area] of AREAS) {
    const found = pattern.exec(functionName) ?? pattern.exec(url);
    if (found !== null) return area.replace("$1", found[1] ?? "");
  }
  return "other";
}

/** Without the folders of this machine. */
function placeOf(url: string): string {
  return url.replace(/^.*\/(src\/)/, "$1").replace(/^file:.*\/npm\/[^/]+\//, "");
}

function add(to: Map<string, number>, name: string, micros: number): void {
  to.set(name, (to.get(name) ?? 0) + micros);
}

function sharesOf(from: ReadonlyMap<string, number>, all: number): Share[] {
  return [...from]
    .map(([name, micros]) => ({ name, share: micros / Math.max(1, all) }))
    .sort((one, other) => other.share - one.share);
}
